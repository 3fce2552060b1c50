import Connect
import HTTPTransport
import LinuxIO
import NIOCore
import NIOHTTP1

/// The body of a request that sends an archive, decompressed. Belongs to the task that reads it.
final class ArchiveBody {
    private let exchange: HTTPExchange
    private let pool: BlockingPool
    private let gzip: GzipBody?
    /// Compressed bytes that have come and were not decompressed.
    private var compressed = ByteBuffer()
    private var mayHaveMore = false
    private var inflated = 0

    /// - Throws: `ConnectError` with `invalidArgument` if it is compressed in a way that is not supported.
    init(_ exchange: HTTPExchange, _ pool: BlockingPool) throws(ConnectError) {
        self.exchange = exchange
        self.pool = pool
        let headers = exchange.request.headers
        let encoding = headers.first(name: "content-encoding")?.lowercased() ?? ""
        let type = headers.first(name: "content-type")?.lowercased() ?? ""
        guard ["", "identity", "gzip"].contains(encoding) else {
            throw ConnectError(.invalidArgument, "of encodings there is only gzip")
        }
        let isGzip = encoding == "gzip" || ["application/gzip", "application/x-gzip"].contains(type)
        do throws(GzipBody.Problem) {
            self.gzip = isGzip ? try GzipBody() : nil
        } catch {
            throw ConnectError(.resourceExhausted, "there is no memory to decompress with")
        }
    }

    /// The next bytes, or nil at the end.
    func next() async throws(ConnectError) -> ByteBuffer? {
        guard let gzip else { return try await self.receive() }
        while true {
            if let piece = try await self.inflate(gzip) { return piece }
            guard self.compressed.readableBytes == 0 else { continue }
            guard let chunk = try await self.receive() else {
                do throws(GzipBody.Problem) {
                    try gzip.end()
                } catch {
                    throw Self.damaged
                }
                return nil
            }
            self.compressed = chunk
        }
    }

    private static var damaged: ConnectError {
        ConnectError(.invalidArgument, "the body is not gzip, or damaged")
    }

    /// Decompresses on; nil if that takes more compressed bytes than were given to it.
    private func inflate(_ gzip: GzipBody) async throws(ConnectError) -> ByteBuffer? {
        var feed: ByteBuffer?
        if !self.mayHaveMore {
            let count = min(self.compressed.readableBytes, ArchiveLimits.deflatedPieceBytes)
            guard count > 0 else { return nil }
            feed = self.compressed.readSlice(length: count)
        }
        let bytes = feed
        let result = await self.pool.run { () -> Result<ByteBuffer?, GzipBody.Problem> in
            if let bytes { gzip.feed(bytes) }
            return Result { () throws(GzipBody.Problem) in
                try gzip.read(upTo: ArchiveLimits.inflatedPieceBytes)
            }
        }
        let piece: ByteBuffer?
        do throws(GzipBody.Problem) {
            piece = try result.get()
        } catch {
            throw Self.damaged
        }
        self.mayHaveMore = piece != nil
        self.inflated += piece?.readableBytes ?? 0
        guard self.inflated <= ArchiveLimits.inflatedBytes else {
            throw ConnectError(
                .resourceExhausted, "the archive has more than \(ArchiveLimits.inflatedBytes) bytes")
        }
        return piece
    }

    private func receive() async throws(ConnectError) -> ByteBuffer? {
        do {
            return try await self.exchange.nextBodyChunk()
        } catch {
            throw ConnectError(.canceled, "the client has gone", cause: error)
        }
    }
}
