import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore

/// Whoever reaches the daemon may send a body, and only what is in it says who that is. So it costs little until it is
/// known: time of the event loop, and memory.
extension InitService {
    /// Bytes of a request's body at most: variables, and certificates.
    package static let bodyLimit = 4 << 20
    /// Bytes of a body that is read on the event loop; with certificates it is larger.
    package static let smallBody = 64 << 10
    /// Larger bodies that are read at once; the next are told to come again.
    package static let largeBodyLimit = 4

    /// Reads a request.
    ///
    /// - Throws: ``InitAnswer``: 400, 413; 503 if there are too many large ones.
    func read(_ exchange: HTTPExchange) async throws(InitAnswer) -> InitRequest {
        var body = ByteBuffer()
        var isLarge = false
        var isRefused = false
        var timer: Scheduled<Void>?
        defer {
            timer?.cancel()
            Self.wipeShared(body)
            if isLarge { self.largeBodies.value -= 1 }
        }
        do throws(HTTPExchangeError) {
            while !isRefused, var chunk = try await exchange.nextBodyChunk() {
                if body.readableBytes == 0 {
                    body = chunk  // Most often all.
                } else {
                    body.writeBuffer(&chunk)
                }
                guard body.readableBytes <= Self.bodyLimit else {
                    throw .bodyTooLarge(limit: Self.bodyLimit)
                }
                if !isLarge, body.readableBytes > Self.smallBody {
                    isRefused = self.largeBodies.value >= Self.largeBodyLimit
                    isLarge = !isRefused
                    if isLarge {
                        self.largeBodies.value += 1
                        timer = exchange.eventLoop.scheduleTask(in: self.largeBodyTime) { exchange.abort() }
                    }
                }
            }
        } catch .bodyTooLarge {
            throw .tooLarge
        } catch {
            throw .malformed
        }
        if isRefused { throw .tooManyBodies }
        let text = body
        let request = isLarge ? await self.pool.run { Self.parse(text) } : Self.parse(text)
        guard let request else { throw .malformed }
        return request
    }

    /// nil if it is malformed.
    private static func parse(_ body: ByteBuffer) -> InitRequest? {
        body.withUnsafeReadableBytes { try? InitRequest($0) }
    }

    /// Overwrites what is in `body`, and in every other buffer that shares its memory: there may be a token in it. To
    /// write in the ordinary way would make a copy first.
    private static func wipeShared(_ body: ByteBuffer) {
        body.withUnsafeReadableBytes { wipe(UnsafeMutableRawBufferPointer(mutating: $0)) }
    }
}
