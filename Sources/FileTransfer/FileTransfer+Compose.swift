import Connect
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext

extension FileTransfer {
    /// `POST /files/compose`: makes one file of several, and removes those.
    ///
    /// It goes on if the client leaves.
    func compose(_ exchange: HTTPExchange) async throws(TransferFailure) {
        let request = try await self.composeRequest(exchange)
        let account = try await self.account(of: self.user(request.username))
        let workingDirectory = self.defaults.current.workingDirectory
        func resolve(_ path: String, _ what: String) throws(TransferFailure) -> TargetPath {
            do {
                return try TargetPath(Array(path.utf8), for: account, workingDirectory: workingDirectory)
            } catch {
                throw TransferFailure(.badRequest, "error resolving \(what): \(error.message)")
            }
        }
        let destination = try resolve(request.destination, "destination path")
        let sources = request.sources.map { name -> Composition.AskedSource in
            do throws(TransferFailure) {
                let path = try resolve(name, "source path \"\(name)\"")
                guard path != destination else {
                    throw TransferFailure(
                        .badRequest, "source path \"\(name)\" cannot be the same as destination")
                }
                return .success(Composition.Source(name: name, path: path))
            } catch {
                return .failure(error)
            }
        }
        let composition = Composition(sources, destination, account, self.files)
        try await self.run(composition)
        let file = UploadedFile(
            name: destination.name, path: destination.text, metadata: FileMetadata())
        await self.settle()
        exchange.respond(
            .ok, ["Content-Type": "application/json"], body: ByteBuffer(string: file.json + "\n"))
    }

    private func composeRequest(_ exchange: HTTPExchange) async throws(TransferFailure) -> ComposeRequest {
        let body: ByteBuffer
        do {
            body = try await exchange.collectBody(upTo: self.limits.composeRequestBytes)
        } catch {
            throw error == .bodyTooLarge(limit: self.limits.composeRequestBytes)
                ? TransferFailure(
                    .payloadTooLarge,
                    "the request body is larger than \(self.limits.composeRequestBytes) bytes")
                : TransferFailure(.badRequest, "invalid request body: unexpected EOF")
        }
        let request: ComposeRequest
        do {
            request = try ComposeRequest(body)
        } catch {
            throw TransferFailure(.badRequest, "invalid request body: \(error.text)")
        }
        guard !request.sources.isEmpty else {
            throw TransferFailure(.badRequest, "source_paths must not be empty")
        }
        guard !request.destination.isEmpty else {
            throw TransferFailure(.badRequest, "destination is required")
        }
        return request
    }

    /// Composes, in visits to the pool that each end soon.
    private func run(_ composition: Composition) async throws(TransferFailure) {
        let pool = self.pool
        let output = try await pool.run { () throws(TransferFailure) in try composition.begin() }
        do throws(TransferFailure) {
            for source in composition.sources {
                let input = try await pool.run { () throws(TransferFailure) in
                    try composition.open(source)
                }
                while try await pool.run({ () throws(TransferFailure) in
                    try composition.copy(input, of: source, to: output)
                }) {}
            }
            try await pool.run { () throws(TransferFailure) in try composition.finish(output) }
        } catch {
            await pool.run { output.remove() }
            throw error
        }
    }
}
