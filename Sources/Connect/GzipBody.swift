internal import CZlib
package import NIOCore
import Synchronization

/// Decompresses a gzip body that comes in pieces, a bounded piece of output at a time.
///
/// - SeeAlso: RFC 1952.
package final class GzipBody: Sendable {
    package enum Problem: Error, Equatable {
        /// It does not begin like gzip.
        case notGzip
        /// It is gzip, but damaged.
        case damaged
        /// It ends before its end.
        case truncated
        /// There is no memory to decompress with.
        case noMemory
    }

    fileprivate enum Position {
        /// No byte has come.
        case beginning
        case inMember
        /// A member has ended; another one may follow.
        case betweenMembers
    }

    fileprivate struct State: ~Copyable {
        var stream: ZlibStream
        var input = ByteBuffer()
        var position = Position.beginning
        /// The member's header has been read.
        var isPastHeader = false
        /// zlib may have more output without more input.
        var hasMore = false
    }

    private let state: Mutex<State>

    package init() throws(Problem) {
        guard let stream = ZlibStream({ czlib_inflate_init_gzip($0) }, end: inflateEnd) else {
            throw .noMemory
        }
        self.state = Mutex(State(stream: stream))
    }

    /// Takes the next compressed bytes. What came before them must have been read.
    package func feed(_ bytes: ByteBuffer) {
        self.state.withLock { $0.input = bytes }
    }

    /// The next decompressed bytes, `limit` at most; nil if that takes more compressed ones.
    package func read(upTo limit: Int) throws(Problem) -> ByteBuffer? {
        let result: Result<ByteBuffer?, Problem> = self.state.withLock { state in
            var output = ByteBuffer()
            while output.readableBytes < limit, state.input.readableBytes > 0 || state.hasMore {
                if let problem = state.inflate(into: &output, upTo: limit - output.readableBytes) {
                    return .failure(problem)
                }
            }
            return .success(output.readableBytes > 0 ? output : nil)
        }
        return try result.get()
    }

    /// Tells that there are no more compressed bytes.
    package func end() throws(Problem) {
        let isComplete = self.state.withLock { state in
            if case .betweenMembers = state.position { true } else { false }
        }
        guard isComplete else { throw .truncated }
    }

}

extension GzipBody.State {
    /// Decompresses once, `limit` bytes at most.
    fileprivate mutating func inflate(into output: inout ByteBuffer, upTo limit: Int) -> GzipBody.Problem? {
        let stream = self.stream.pointer
        if case .betweenMembers = self.position {
            inflateReset(stream)
            self.isPastHeader = false
        }
        self.position = .inMember
        var status = Z_OK
        var taken = 0
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { target in
            let piece = UnsafeMutableRawBufferPointer(rebasing: target.prefix(limit))
            self.input.withUnsafeReadableBytes { source in
                stream.setInput(source)
                stream.setOutput(piece)
                status = CZlib.inflate(stream, Z_NO_FLUSH)
                taken = source.count - Int(stream.pointee.avail_in)
            }
            return piece.count - Int(stream.pointee.avail_out)
        }
        self.input.moveReaderIndex(forwardBy: taken)
        self.hasMore = status == Z_OK && stream.pointee.avail_out == 0
        if stream.pointee.total_out > 0 || status == Z_STREAM_END { self.isPastHeader = true }
        switch status {
        case Z_STREAM_END:
            self.position = .betweenMembers
            return nil
        case Z_OK, Z_BUF_ERROR:
            return nil
        case Z_MEM_ERROR:
            return .noMemory
        default:
            return self.isPastHeader ? .damaged : .notGzip
        }
    }
}
