import NIOCore

/// What a process has written and somebody may still read, in the order in which it was read from the process.
///
/// One log for all its streams. Every byte has an absolute offset, counted over all streams from the first
/// byte. Large pieces are kept by reference; small ones are copied together, so that a byte never holds much
/// more than a byte of memory.
struct OutputLog {
    /// Where a piece came from; the raw value is its field number in `DataEvent`.
    enum Stream: UInt8, Sendable, CaseIterable {
        case stdout = 1
        case stderr = 2
        case terminal = 3
    }

    /// A piece of one stream.
    struct Chunk: Equatable {
        var stream: Stream
        /// The offset of the first byte.
        var offset: Int64
        var bytes: ByteBuffer

        var end: Int64 { self.offset + Int64(self.bytes.readableBytes) }
    }

    /// Pieces below this size are copied together.
    private static let smallBytes = 4 << 10
    /// The size up to which small pieces are put together.
    private static let blockBytes = 16 << 10

    /// Small at first: there is one for every process.
    private var chunks = CircularBuffer<Chunk>(initialCapacity: 1)
    /// The offset behind the last byte.
    private(set) var end: Int64 = 0

    /// The offset of the first byte that is kept.
    var start: Int64 { self.chunks.first?.offset ?? self.end }
    /// Bytes that are kept.
    var count: Int { Int(self.end - self.start) }

    /// Adds what was read from `stream`.
    mutating func append(_ bytes: ByteBuffer, from stream: Stream) {
        let length = bytes.readableBytes
        guard length > 0 else { return }
        defer { self.end += Int64(length) }
        if let last = self.chunks.last, last.stream == stream, length < Self.smallBytes,
            last.bytes.readableBytes + length <= Self.blockBytes
        {
            self.chunks[self.chunks.index(before: self.chunks.endIndex)].bytes.writeImmutableBuffer(bytes)
            return
        }
        var bytes = bytes
        if length < Self.smallBytes || length < bytes.storageCapacity / 2 {
            bytes = ByteBuffer(bytes: bytes.readableBytesView)
        }
        self.chunks.append(Chunk(stream: stream, offset: self.end, bytes: bytes))
    }

    /// The bytes of one stream from `offset` on, at most `limit`; nil if there are none yet.
    ///
    /// An offset before ``start`` gives what is kept: the caller sees the gap in the chunk's offset.
    func chunk(from offset: Int64, limit: Int) -> Chunk? {
        guard offset < self.end, let index = self.index(of: max(offset, self.start)) else { return nil }
        var chunk = self.chunks[index]
        let skipped = max(0, Int(offset - chunk.offset))
        chunk.bytes.moveReaderIndex(forwardBy: skipped)
        chunk.offset += Int64(skipped)
        if chunk.bytes.readableBytes > limit, let part = chunk.bytes.readSlice(length: limit) {
            chunk.bytes = part
        }
        return chunk
    }

    /// Whether ``drop(before:)`` would drop something.
    func canDrop(before offset: Int64) -> Bool {
        self.chunks.first.map { $0.end <= offset } ?? false
    }

    /// Drops whole pieces that end at or before `offset`.
    mutating func drop(before offset: Int64) {
        while let first = self.chunks.first, first.end <= offset { self.chunks.removeFirst() }
    }

    /// The piece that has the byte at `offset`, by bisection.
    private func index(of offset: Int64) -> CircularBuffer<Chunk>.Index? {
        if let first = self.chunks.first, offset < first.end { return self.chunks.startIndex }
        var low = 0
        var high = self.chunks.count
        while low < high {
            let middle = (low + high) / 2
            if self.chunks[self.chunks.index(self.chunks.startIndex, offsetBy: middle)].end <= offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < self.chunks.count else { return nil }
        return self.chunks.index(self.chunks.startIndex, offsetBy: low)
    }
}
