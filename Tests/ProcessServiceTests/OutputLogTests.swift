import EnvdTestSupport
import NIOCore
import Testing

@testable import ProcessService

@Suite struct OutputLogTests {
    private func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    /// Everything from `offset` on, in pieces of at most `limit` bytes.
    private func read(_ log: OutputLog, from offset: Int64, limit: Int = .max) -> [OutputLog.Chunk] {
        var chunks: [OutputLog.Chunk] = []
        var offset = offset
        while let chunk = log.chunk(from: offset, limit: limit) {
            chunks.append(chunk)
            offset = chunk.end
        }
        return chunks
    }

    @Test func `a new log is empty`() {
        let log = OutputLog()
        #expect(log.start == 0)
        #expect(log.end == 0)
        #expect(log.chunk(from: 0, limit: 10) == nil)
        #expect(!log.canDrop(before: 10))
    }

    @Test func `small pieces of one stream are put together, those of others are not`() {
        var log = OutputLog()
        log.append(self.bytes("ab"), from: .stdout)
        log.append(self.bytes("cd"), from: .stdout)
        log.append(self.bytes("ef"), from: .stderr)
        log.append(self.bytes(""), from: .stdout)
        log.append(self.bytes("gh"), from: .stderr)
        log.append(self.bytes("ij"), from: .stdout)
        #expect(
            self.read(log, from: 0) == [
                .init(stream: .stdout, offset: 0, bytes: self.bytes("abcd")),
                .init(stream: .stderr, offset: 4, bytes: self.bytes("efgh")),
                .init(stream: .stdout, offset: 8, bytes: self.bytes("ij")),
            ])
        #expect(log.end == 10)
        #expect(log.count == 10)
    }

    @Test func `a chunk begins in the middle of a piece and has at most the limit`() {
        var log = OutputLog()
        log.append(self.bytes("abcdef"), from: .stdout)
        #expect(log.chunk(from: 2, limit: 3) == .init(stream: .stdout, offset: 2, bytes: self.bytes("cde")))
        #expect(log.chunk(from: 5, limit: 3) == .init(stream: .stdout, offset: 5, bytes: self.bytes("f")))
        #expect(log.chunk(from: 6, limit: 3) == nil)
        #expect(log.chunk(from: 7, limit: 3) == nil)
        #expect(self.read(log, from: 0, limit: 4).map(\.offset) == [0, 4])
    }

    @Test func `whole pieces are dropped, and a reader in the gap sees where it ends`() {
        var log = OutputLog()
        log.append(self.bytes("abc"), from: .stdout)
        log.append(self.bytes("def"), from: .stderr)
        log.append(self.bytes("ghi"), from: .stdout)
        #expect(!log.canDrop(before: 2))
        log.drop(before: 2)
        #expect(log.start == 0)
        #expect(log.canDrop(before: 3))
        log.drop(before: 5)
        #expect(log.start == 3)
        #expect(log.count == 6)
        #expect(log.chunk(from: 0, limit: 10) == .init(stream: .stderr, offset: 3, bytes: self.bytes("def")))
        #expect(log.chunk(from: 4, limit: 10) == .init(stream: .stderr, offset: 4, bytes: self.bytes("ef")))
        log.drop(before: .max)
        #expect(log.start == 9)
        #expect(log.end == 9)
        #expect(log.chunk(from: 0, limit: 10) == nil)
        log.append(self.bytes("j"), from: .stdout)
        #expect(log.chunk(from: 9, limit: 10) == .init(stream: .stdout, offset: 9, bytes: self.bytes("j")))
    }

    @Test func `what a reader holds does not change when more is appended`() {
        var log = OutputLog()
        log.append(self.bytes("ab"), from: .stdout)
        let held = log.chunk(from: 0, limit: 10)
        log.append(self.bytes("cd"), from: .stdout)
        #expect(held?.bytes == self.bytes("ab"))
        #expect(log.chunk(from: 0, limit: 10)?.bytes == self.bytes("abcd"))
    }

    @Test func `small pieces do not keep large buffers`() {
        var log = OutputLog()
        var large = ByteBuffer()
        large.reserveCapacity(256 << 10)
        large.writeString("x")
        log.append(large, from: .stdout)
        #expect((log.chunk(from: 0, limit: 10)?.bytes.storageCapacity ?? .max) < 1024)
    }

    @Test func `whatever is appended, dropped and read, every byte is at its offset`() {
        var random = SplitMix64(seed: 42)
        let content = Pattern.bytes(16 << 20)
        for _ in 0..<40 {
            var log = OutputLog()
            /// The stream of every byte.
            var streams: [UInt8] = []
            var dropped: Int64 = 0
            for _ in 0..<100 {
                let stream: OutputLog.Stream = random.below(2) == 0 ? .stdout : .stderr
                let sizes = [1, 2, 100, 4095, 4096, 16_384, 70_000]
                let count = random.below(sizes[random.below(sizes.count)] + 1)
                log.append(ByteBuffer(bytes: content[streams.count..<(streams.count + count)]), from: stream)
                streams += [UInt8](repeating: stream.rawValue, count: count)
                #expect(log.end == Int64(streams.count))
                if random.below(4) == 0 {
                    let target = Int64(random.below(streams.count + 1))
                    log.drop(before: target)
                    dropped = max(dropped, target)
                    // Only whole pieces before the target are gone.
                    #expect(log.start <= dropped)
                }
                let offset = Int64(random.below(streams.count + 1))
                let limit = 1 + random.below(40_000)
                guard let chunk = log.chunk(from: offset, limit: limit) else {
                    #expect(offset == log.end)
                    continue
                }
                #expect(chunk.offset == max(offset, log.start))
                #expect((1...limit).contains(chunk.bytes.readableBytes))
                let range = Int(chunk.offset)..<Int(chunk.end)
                #expect(chunk.bytes == ByteBuffer(bytes: content[range]))
                let itsStream = ByteBuffer(repeating: chunk.stream.rawValue, count: range.count)
                #expect(ByteBuffer(bytes: streams[range]) == itsStream)
            }
        }
    }
}
