import Connect
import HTTPTransport
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

extension FileTransfer {
    /// `GET /files`: sends a file.
    func download(_ exchange: HTTPExchange) async throws(TransferFailure) {
        guard let (query, _) = try self.admit(exchange, .read) else { return }
        let account = try await self.account(of: self.user(query.username))
        let asked = query.path ?? []
        let path: TargetPath
        do {
            path = try TargetPath(
                asked, for: account, workingDirectory: self.defaults.current.workingDirectory)
        } catch {
            throw TransferFailure(
                .badRequest,
                "error expanding and resolving path '\(String(decoding: asked, as: UTF8.self))': \(error.message)"
            )
        }
        let request = DownloadRequest(
            path: path, askedPath: String(decoding: asked, as: UTF8.self), headers: exchange.request.headers)
        let limits = self.limits
        let file = try await self.files.perform(as: account) { resolver throws(TransferFailure) in
            try OpenedFile.open(request, resolver, limits)
        }
        let headers = HTTPHeaders([
            ("Vary", "Accept-Encoding"), ("Content-Disposition", ContentDisposition.inline(path.name)),
        ])
        switch file.content {
        case .compressed(let bytes):
            self.respond(compressed: bytes, file, headers, exchange)
        case .compressing(let member, let start, let saved):
            await self.sendCompressed(file, member, from: start, saved: saved, headers, exchange)
        case .whole(let bytes):
            let plan = DownloadPlan(
                request, size: bytes.readableBytes, modified: file.modified, type: file.type, headers)
            exchange.respond(plan, of: bytes)
        case .sized(let size):
            let plan = DownloadPlan(request, size: size, modified: file.modified, type: file.type, headers)
            await self.send(plan, of: file, exchange)
        case .unsized(let start):
            await self.sendToEnd(file, from: start, headers, exchange)
        }
    }
}
