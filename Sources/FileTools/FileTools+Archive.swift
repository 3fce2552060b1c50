import Connect
import EnvdAPI
import HTTPTransport
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SwiftProtobuf
import SystemPackage

extension FileTools {
    /// `GET /files/archive`: a directory as a tar archive.
    ///
    /// - Throws: `ConnectError` if that cannot be done, also when the archive has begun.
    func packArchive(_ exchange: HTTPExchange) async throws(ConnectError) {
        let request = try await ToolRequest(exchange, self)
        let compression = try request.parameter("compression") ?? ""
        guard ["", "gzip"].contains(compression) else {
            throw ConnectError(.invalidArgument, "of compressions there is only gzip")
        }
        let member = compression == "gzip" ? GzipMember() : nil
        guard compression.isEmpty || member != nil else {
            throw ConnectError(.resourceExhausted, "there is no memory to compress with")
        }
        let work = SlicedWork(try await self.packer(request), on: self.pool)
        var isFirst = true
        while !exchange.isOver {
            let next = try await self.archiveVisit(work) { packer throws(ToolFailure) in
                guard var piece = try packer.advance() else { return nil as ByteBuffer? }
                if let member, piece.readableBytes > 0 {
                    var compressed = ByteBuffer()
                    member.compress(piece, level: ArchiveLimits.level, into: &compressed)
                    piece = compressed
                }
                return piece
            }
            guard !exchange.isOver else { return }
            if isFirst { self.beginArchive(exchange, member) }
            isFirst = false
            guard let next else {
                var end = ByteBuffer()
                member?.end(into: &end)
                exchange.write(end)
                return exchange.end()
            }
            exchange.write(next)
            exchange.flush()
            if !exchange.isWritable { await exchange.writable() }
        }
    }

    private func beginArchive(_ exchange: HTTPExchange, _ member: GzipMember?) {
        exchange.begin(
            .ok,
            [
                "Content-Type": member == nil ? "application/x-tar" : "application/gzip",
                "X-Content-Type-Options": "nosniff",
            ])
        guard let member else { return }
        var start = ByteBuffer()
        member.begin(into: &start)
        exchange.write(start)
    }

    private func packer(_ request: ToolRequest) async throws(ConnectError) -> ArchivePacker {
        let root = try await self.directory(request)
        let walk = try await self.walk(below: root, .with { $0.noIgnore = true }, as: request.account)
        return ArchivePacker(walk)
    }

    /// The directory that a request names.
    private func directory(_ request: ToolRequest) async throws(ConnectError) -> OpenEntry {
        let path = request.path
        return try await self.perform(as: request.account) { resolver throws(ToolFailure) in
            let root = try OpenEntry.open(path, resolver)
            guard root.status.kind == .directory else {
                throw ToolFailure("cannot open '\(path)'", .notDirectory)
            }
            return root
        }
    }

    /// A visit whose failure is the client's.
    private func archiveVisit<State: Sendable, Result: Sendable>(
        _ work: SlicedWork<State>,
        _ body: @escaping @Sendable (inout State) throws(ToolFailure) -> Result
    ) async throws(ConnectError) -> Result {
        do {
            return try await work.visit(body)
        } catch let failure as ToolFailure {
            throw failure.error
        } catch {
            throw ConnectError(.canceled, "the call is over", cause: error)
        }
    }

    /// `POST /files/archive`: unpacks a tar archive in a directory, which is made if it is not there.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for what is no archive, or leads out of the directory. What was
    ///   unpacked before stays.
    func unpackArchive(_ exchange: HTTPExchange) async throws(ConnectError) {
        let request = try await ToolRequest(exchange, self)
        let body = try ArchiveBody(exchange, self.pool)
        try await self.makeDirectory(request)
        let root = try await self.directory(request)
        let work = SlicedWork(ArchiveUnpacker(into: root, self.files, as: request.account), on: self.pool)
        do throws(ConnectError) {
            while let chunk = try await body.next() {
                try await self.archiveVisit(work) { unpacker throws(ToolFailure) in try unpacker.unpack(chunk)
                }
            }
            let (entries, bytes) = try await self.archiveVisit(work) { unpacker throws(ToolFailure) in
                try unpacker.finish()
                return (unpacker.entries, unpacker.bytes)
            }
            let json = "{\"path\":\(JSONText.quoted(request.path)),\"entries\":\(entries),\"bytes\":\(bytes)}"
            exchange.respond(.ok, ["Content-Type": "application/json"], body: ByteBuffer(string: json))
        } catch {
            _ = try? await self.archiveVisit(work) { unpacker throws(ToolFailure) in unpacker.cancel() }
            throw error
        }
    }

    /// Makes the directory that a request names, and those above it, where they are not there.
    private func makeDirectory(_ request: ToolRequest) async throws(ConnectError) {
        let path = request.path
        try await self.perform(as: request.account) { resolver throws(ToolFailure) in
            try trying("cannot make '\(path)'") { () throws(Errno) in
                try DirectoryPath.make(try RawPath(path).components, resolver)
            }
        }
    }
}
