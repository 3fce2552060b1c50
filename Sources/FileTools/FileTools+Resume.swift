import Connect
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import Synchronization

extension FileTools {
    /// `GET` and `HEAD /files/resume`: how many bytes of an upload are here.
    func tellPartial(_ exchange: HTTPExchange) async throws(ConnectError) {
        let request = try await ToolRequest(exchange, self)
        let key = try PartialFile.Key(request)
        let size = try await self.perform(as: request.account) { resolver throws(ToolFailure) in
            try PartialFile.size(of: key, resolver)
        }
        Self.respond(exchange, key, offset: size, isComplete: false)
    }

    /// `DELETE /files/resume`: forgets what is here of an upload.
    func removePartial(_ exchange: HTTPExchange) async throws(ConnectError) {
        let request = try await ToolRequest(exchange, self)
        let key = try PartialFile.Key(request)
        try await self.perform(as: request.account) { resolver throws(ToolFailure) in
            try PartialFile.remove(key, resolver)
        }
        exchange.respond(.noContent)
    }

    /// `POST /files/resume`: goes on with an upload where it ended. With its last byte the file is in its place.
    ///
    /// What has come is kept, also if the client goes.
    ///
    /// - Throws: `ConnectError` with `aborted` if another number of bytes is here, or another request goes on with the
    ///   same upload; `invalidArgument` for more bytes than the file has in all.
    func resume(_ exchange: HTTPExchange) async throws(ConnectError) {
        let request = try await ToolRequest(exchange, self)
        let key = try PartialFile.Key(request)
        guard let offset = try request.number("offset"), offset <= key.total else {
            throw ConnectError(.invalidArgument, "the query has no offset, or one behind the total")
        }
        let coding = exchange.request.headers.first(name: "content-encoding") ?? "identity"
        guard coding.lowercased() == "identity" else {
            throw ConnectError(
                .invalidArgument, "the bytes of an upload that is resumed cannot be '\(coding)'")
        }
        let account = request.account
        let file = try await self.perform(as: account) { resolver throws(ToolFailure) in
            try PartialFile.open(key, at: offset, for: account, resolver)
        }
        guard self.uploads.withLock({ $0.insert(file.identity).inserted }) else {
            throw ConnectError(.aborted, "cannot upload '\(key.path)': another request does")
        }
        defer { self.uploads.withLock { _ = $0.remove(file.identity) } }
        try await self.perform(as: account) { _ throws(ToolFailure) in try file.begin(at: offset) }
        let end = try await self.receive(exchange, into: file, from: offset, key)
        let isComplete = end == key.total
        if isComplete {
            try await self.perform(as: account) { _ throws(ToolFailure) in try file.finish() }
        }
        Self.respond(exchange, key, offset: end, isComplete: isComplete)
    }

    /// - Returns: how many bytes are here then.
    private func receive(
        _ exchange: HTTPExchange, into file: PartialFile, from offset: Int64, _ key: PartialFile.Key
    ) async throws(ConnectError) -> Int64 {
        var end = offset
        while true {
            let next: ByteBuffer?
            do {
                next = try await exchange.nextBodyChunk()
            } catch {
                throw ConnectError(.canceled, "the client has gone", cause: error)
            }
            guard let chunk = next else { return end }
            guard Int64(chunk.readableBytes) <= key.total - end else {
                throw ConnectError(
                    .invalidArgument, "cannot upload '\(key.path)': there are more than \(key.total) bytes")
            }
            do throws(ToolFailure) {
                try await self.pool.run { () throws(ToolFailure) in try file.write(chunk) }
            } catch {
                throw error.error
            }
            end += Int64(chunk.readableBytes)
        }
    }

    private static func respond(
        _ exchange: HTTPExchange, _ key: PartialFile.Key, offset: Int64, isComplete: Bool
    ) {
        let json =
            "{\"path\":\(JSONText.quoted(key.path)),\"offset\":\(offset),\"total\":\(key.total),"
            + "\"complete\":\(isComplete)}"
        exchange.respond(
            .ok,
            [
                "Content-Type": "application/json", "Upload-Offset": String(offset),
                "Cache-Control": "no-store",
            ],
            body: ByteBuffer(string: json))
    }
}

extension PartialFile.Key {
    /// Bytes of what a client calls an upload.
    private static let idLimit = 256

    init(_ request: ToolRequest) throws(ConnectError) {
        guard let total = try request.number("total") else {
            throw ConnectError(.invalidArgument, "the query has no total")
        }
        let id = try request.parameter("id") ?? ""
        guard id.utf8.count <= Self.idLimit else {
            throw ConnectError(.invalidArgument, "the id has more than \(Self.idLimit) bytes")
        }
        self.init(path: request.path, total: total, id: id)
    }
}

extension ToolRequest {
    /// The value of a parameter that is a count of bytes; nil if there is none.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` if it is no such number.
    func number(_ name: String) throws(ConnectError) -> Int64? {
        guard let text = try self.parameter(name) else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw ConnectError(.invalidArgument, "the query's \(name) is not a number of bytes")
        }
        return number
    }
}
