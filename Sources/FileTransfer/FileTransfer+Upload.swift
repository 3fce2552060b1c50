import Connect
import HTTPTransport
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

extension FileTransfer {
    /// `POST /files`: writes the files that come.
    func upload(_ exchange: HTTPExchange) async throws(TransferFailure) {
        guard let (query, grant) = try self.admit(exchange, .write) else { return }
        let headers = exchange.request.headers
        let user = try await self.user(query.username)
        let body = try await UploadBody(exchange, grant, self.pool, self.limits)
        let account = try await self.account(of: user)
        let request = UploadRequest(
            account: account, workingDirectory: self.defaults.current.workingDirectory,
            metadata: try FileMetadata(headers), bodyBytes: exchange.bodyLength,
            replacesAtomically: headers.first(name: "x-envd-replace")?.lowercased() == "atomic")
        let contentType = headers.first(name: "content-type") ?? ""
        let written: [UploadedFile]
        switch MediaType.name(of: contentType) {
        case "application/octet-stream":
            written = [try await self.uploadRaw(query, request, body)]
        case let type where type.hasPrefix("multipart/"):
            written = try await self.uploadForm(contentType, query, request, body)
        default:
            throw TransferFailure(
                .badRequest,
                "unsupported content type: \(contentType), "
                    + "expected multipart/form-data or application/octet-stream")
        }
        await self.settle()
        let json = "[" + written.map(\.json).joined(separator: ",") + "]"
        exchange.respond(.ok, ["Content-Type": "application/json"], body: ByteBuffer(string: json))
    }

    /// A body that is one file.
    private func uploadRaw(
        _ query: FileQuery, _ request: UploadRequest, _ body: UploadBody
    ) async throws(TransferFailure) -> UploadedFile {
        guard let asked = query.path else {
            throw TransferFailure(.badRequest, "path query parameter is required for raw body upload")
        }
        let path = try request.resolve(asked)
        let file = FileUpload(self, request, path, length: body.length)
        return try await file.receive { () throws(TransferFailure) in try await body.next() }
    }

    /// A form whose fields `file` are files.
    private func uploadForm(
        _ contentType: String, _ query: FileQuery, _ request: UploadRequest, _ body: UploadBody
    ) async throws(TransferFailure) -> [UploadedFile] {
        let form = try UploadForm(contentType, body, self.limits)
        var written: [UploadedFile] = []
        var paths: Set<TargetPath> = []
        while let part = try await form.nextFile() {
            guard let asked = query.path ?? part.fileName else {
                throw TransferFailure(
                    .badRequest,
                    "error getting multipart custom part file name: "
                        + "filename not found in Content-Disposition header")
            }
            let path = try request.resolve(asked)
            guard paths.insert(path).inserted else {
                let others = written.map(\.path).filter { !$0.hasBytes(of: path.text) }
                // One other file is not worth a word to the reference.
                let also =
                    others.count < 2
                    ? "" : ", also the following files were uploaded: \(others.joined(separator: ", "))"
                throw TransferFailure(
                    .badRequest,
                    "you cannot upload multiple files to the same path '\(path.text)' in one upload request, "
                        + "only the first specified file was uploaded" + also)
            }
            let file = FileUpload(self, request, path, length: nil)
            written.append(
                try await file.receive { () throws(TransferFailure) in try await form.nextBytes() })
        }
        return written
    }
}
