internal import CZlib
import NIOCore
import Synchronization

/// Compresses messages, each into a gzip member of its own.
final class Deflater: Sendable {
    private let stream: Mutex<ZlibStream>

    init?(level: CInt) {
        guard let stream = ZlibStream({ czlib_deflate_init_gzip($0, level) }, end: deflateEnd) else {
            return nil
        }
        self.stream = Mutex(stream)
    }

    func compress(_ message: ByteBuffer) -> ByteBuffer {
        self.stream.withLock { stream in
            let state = stream.pointer
            deflateReset(state)
            let bound = Int(deflateBound(state, UInt(message.readableBytes)))
            var output = ByteBuffer()
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                message.withUnsafeReadableBytes { source in
                    state.setInput(source)
                    state.setOutput(target)
                    // One call does it all: there is room for the worst case.
                    _ = deflate(state, Z_FINISH)
                    return target.count - Int(state.pointee.avail_out)
                }
            }
            return output
        }
    }
}

/// Decompresses messages, each a gzip member or several.
final class Inflater: Sendable {
    enum Problem: Error {
        case malformed, truncated, tooLarge
    }

    /// Bytes of output that are made room for at a time.
    private static let pieceBytes = 64 << 10

    private let stream: Mutex<ZlibStream>

    init?() {
        guard let stream = ZlibStream({ czlib_inflate_init_gzip($0) }, end: inflateEnd) else { return nil }
        self.stream = Mutex(stream)
    }

    func decompress(_ message: ByteBuffer, limit: Int) -> Result<ByteBuffer, Problem> {
        self.stream.withLock { stream in
            let state = stream.pointer
            inflateReset(state)
            var output = ByteBuffer()
            let problem = message.withUnsafeReadableBytes { source -> Problem? in
                state.setInput(source)
                while true {
                    var status = Z_OK
                    output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.pieceBytes) { target in
                        let piece = UnsafeMutableRawBufferPointer(rebasing: target.prefix(Self.pieceBytes))
                        state.setOutput(piece)
                        status = inflate(state, Z_NO_FLUSH)
                        return piece.count - Int(state.pointee.avail_out)
                    }
                    if output.readableBytes > limit { return .tooLarge }
                    switch status {
                    case Z_STREAM_END:
                        guard state.pointee.avail_in > 0 else { return nil }
                        inflateReset(state)  // Another member follows (RFC 1952, section 2.2).
                    case Z_OK:
                        continue
                    case Z_BUF_ERROR:
                        return .truncated
                    default:
                        return .malformed
                    }
                }
            }
            return problem.map { .failure($0) } ?? .success(output)
        }
    }
}
