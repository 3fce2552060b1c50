internal import CZlib
package import NIOCore
import Synchronization

/// Writes one gzip member whose content comes in chunks, each compressed as much as its time is worth.
///
/// Every chunk is deflated for itself and ends at a byte, so that one may also be stored as it is: then it costs
/// five bytes for each 65,535 and a checksum.
///
/// - SeeAlso: RFC 1952, section 2.3; RFC 1951, section 3.2.4.
package final class GzipMember: Sendable {
    fileprivate struct State: ~Copyable {
        var stream: ZlibStream
        var level: CInt
        var checksum: UInt = 0
        var length: UInt32 = 0
    }

    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
    /// The last block: compressed with the fixed codes, and empty.
    private static let lastBlock: [UInt8] = [0x03, 0x00]
    /// Bytes of a stored block at most, and of its header.
    private static let storedBlockBytes = 65_535
    private static let storedHeaderBytes = 5

    private let state: Mutex<State>

    /// Nil if there is no memory for it.
    package init?() {
        let level: CInt = 1
        guard let stream = ZlibStream({ czlib_deflate_init_bare($0, level) }, end: deflateEnd) else {
            return nil
        }
        self.state = Mutex(State(stream: stream, level: level))
    }

    /// Writes what stands before the first chunk.
    package func begin(into output: inout ByteBuffer) {
        output.writeBytes(Self.header)
    }

    /// Writes `chunk`, compressed at zlib's `level`, 1 (fast) to 9 (small).
    package func compress(_ chunk: ByteBuffer, level: Int32, into output: inout ByteBuffer) {
        self.state.withLock { state in
            let stream = state.stream.pointer
            deflateReset(stream)
            if level != state.level {
                deflateParams(stream, level, Z_DEFAULT_STRATEGY)
                state.level = level
            }
            // The bound is of a whole stream; the flush adds an empty block.
            let bound = Int(deflateBound(stream, UInt(chunk.readableBytes))) + 16
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                chunk.withUnsafeReadableBytes { source in
                    stream.setInput(source)
                    stream.setOutput(target)
                    _ = deflate(stream, Z_SYNC_FLUSH)
                    return target.count - Int(stream.pointee.avail_out)
                }
            }
            state.count(chunk)
        }
    }

    /// Writes `chunk` as it is.
    package func store(_ chunk: ByteBuffer, into output: inout ByteBuffer) {
        let blocks = (chunk.readableBytes + Self.storedBlockBytes - 1) / Self.storedBlockBytes
        output.reserveCapacity(minimumWritableBytes: chunk.readableBytes + blocks * Self.storedHeaderBytes)
        var rest = chunk
        while let block = rest.readSlice(length: min(rest.readableBytes, Self.storedBlockBytes)),
            block.readableBytes > 0
        {
            let length = UInt16(block.readableBytes)
            output.writeInteger(0 as UInt8)
            output.writeInteger(length, endianness: .little)
            output.writeInteger(~length, endianness: .little)
            output.writeImmutableBuffer(block)
        }
        self.state.withLock { $0.count(chunk) }
    }

    /// Writes what stands after the last chunk.
    package func end(into output: inout ByteBuffer) {
        output.writeBytes(Self.lastBlock)
        self.state.withLock { state in
            output.writeInteger(UInt32(truncatingIfNeeded: state.checksum), endianness: .little)
            output.writeInteger(state.length, endianness: .little)
        }
    }
}

extension GzipMember.State {
    fileprivate mutating func count(_ chunk: ByteBuffer) {
        self.checksum = chunk.withUnsafeReadableBytes { bytes in
            crc32_z(self.checksum, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        }
        self.length &+= UInt32(truncatingIfNeeded: chunk.readableBytes)
    }
}
