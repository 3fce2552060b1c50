import Connect
import HTTPTransport
import LinuxIO
import NIOCore
import NIOHTTP1
import SandboxContext

/// The body of an upload, decompressed. Belongs to the task that reads it.
final class UploadBody {
    private let exchange: HTTPExchange
    private let pool: BlockingPool
    private let limits: TransferLimits
    /// Bytes that the body may have as it is sent.
    private let maximumBytes: Int
    private var received = 0

    private var gzip: GzipBody?
    /// Compressed bytes that have come and were not decompressed.
    private var compressed = ByteBuffer()
    private var isFed = false
    private var inflated = 0

    /// Bytes of the whole content; nil if that is not known before its end.
    var length: Int? { self.gzip == nil ? self.exchange.bodyLength : nil }

    /// - Throws: ``TransferFailure`` if it is compressed in a way that is not supported, or is larger than it may be.
    init(
        _ exchange: HTTPExchange, _ grant: FileSigning.Grant, _ pool: BlockingPool, _ limits: TransferLimits
    ) async throws(TransferFailure) {
        self.exchange = exchange
        self.pool = pool
        self.limits = limits
        self.maximumBytes = grant.maximumBodyBytes.map { Int(clamping: $0) } ?? .max
        if let length = exchange.bodyLength, length > self.maximumBytes { throw self.tooLarge }
        let header = exchange.request.headers.first(name: "content-encoding") ?? ""
        switch MediaType.name(of: header) {
        case "", "identity": break
        case "gzip": try await self.beginGzip()
        default:
            throw Self.failure("unsupported Content-Encoding: \(header), supported: [gzip]")
        }
    }

    private static func failure(_ reason: String) -> TransferFailure {
        TransferFailure(.badRequest, "error decompressing request body: \(reason)")
    }

    private var tooLarge: TransferFailure {
        TransferFailure(
            .payloadTooLarge,
            "the request body is larger than the \(self.maximumBytes) bytes that were signed for")
    }

    /// Checks that the body begins like gzip.
    private func beginGzip() async throws(TransferFailure) {
        while self.compressed.readableBytes < Self.gzipHeaderBytes, var chunk = try await self.receive() {
            self.compressed.writeBuffer(&chunk)
        }
        if self.compressed.readableBytes < Self.gzipHeaderBytes {
            let isEmpty = self.compressed.readableBytes == 0
            throw Self.failure("failed to create gzip reader: \(isEmpty ? "EOF" : "unexpected EOF")")
        }
        guard self.compressed.readableBytesView.starts(with: [0x1F, 0x8B, 8]) else {
            throw Self.failure("failed to create gzip reader: gzip: invalid header")
        }
        do {
            self.gzip = try GzipBody()
        } catch {
            throw TransferFailure(.internalServerError, Self.text(error))
        }
    }

    /// RFC 1952, section 2.3.
    private static let gzipHeaderBytes = 10

    /// The next bytes of the content, or nil at its end.
    func next() async throws(TransferFailure) -> ByteBuffer? {
        guard let gzip else { return try await self.receive() }
        let limit = self.limits.pieceBytes
        while true {
            let feed =
                self.isFed
                ? nil
                : self.compressed.readSlice(
                    length: min(self.compressed.readableBytes, self.limits.deflatedPieceBytes))
            let result = await self.pool.run { () -> Result<ByteBuffer?, GzipBody.Problem> in
                if let feed { gzip.feed(feed) }
                do throws(GzipBody.Problem) {
                    return .success(try gzip.read(upTo: limit))
                } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .failure(let problem):
                throw TransferFailure(.internalServerError, "error writing file: \(Self.text(problem))")
            case .success(let piece?):
                self.isFed = true
                self.inflated += piece.readableBytes
                guard self.inflated <= self.limits.inflatedBytes else {
                    throw TransferFailure(
                        .payloadTooLarge,
                        "the request body decompresses to more than \(self.limits.inflatedBytes) bytes")
                }
                return piece
            case .success(nil):
                self.isFed = false
            }
            guard self.compressed.readableBytes == 0 else { continue }
            if let chunk = try await self.receive() {
                self.compressed = chunk
            } else {
                do {
                    try gzip.end()
                } catch {
                    throw TransferFailure(.internalServerError, "error writing file: \(Self.text(error))")
                }
                return nil
            }
        }
    }

    private func receive() async throws(TransferFailure) -> ByteBuffer? {
        let chunk: ByteBuffer?
        do {
            chunk = try await self.exchange.nextBodyChunk()
        } catch {
            let reason = error == .malformedBody ? "malformed chunked encoding" : "unexpected EOF"
            throw TransferFailure(.internalServerError, "error writing file: \(reason)")
        }
        self.received += chunk?.readableBytes ?? 0
        guard self.received <= self.maximumBytes else { throw self.tooLarge }
        return chunk
    }

    private static func text(_ problem: GzipBody.Problem) -> String {
        switch problem {
        case .notGzip: "gzip: invalid header"
        case .damaged: "gzip: invalid checksum"
        case .truncated: "unexpected EOF"
        case .noMemory: "not enough memory to decompress"
        }
    }
}
