import EnvdTestSupport
import LinuxIO
import LinuxSystem
import NIOCore
import SystemPackage
import Testing

@Suite struct DescriptorWriterTests {
    private let eventLoop = ClientLoop.any

    /// Starts a write; what becomes of it goes to the mailbox.
    private func write(_ bytes: [UInt8], to writer: DescriptorWriter) -> (
        task: Task<Void, any Error>, outcome: Mailbox<Errno?>
    ) {
        let outcome = Mailbox<Errno?>()
        let task = self.eventLoop.start {
            do throws(Errno) {
                try await writer.write(ByteBuffer(bytes: bytes))
                outcome.post(nil)
            } catch {
                outcome.post(error)
            }
        }
        return (task, outcome)
    }

    private func read(_ count: Int, from descriptor: borrowing OwnedDescriptor) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let deadline = NIODeadline.now() + patience
        while bytes.count < count {
            try #require(NIODeadline.now() < deadline)
            if let piece = try? descriptor.read(count - bytes.count) { bytes += piece }
            // Whoever writes runs on the loop.
            try await self.eventLoop.submit {}.get()
        }
        return bytes
    }

    @Test func `messages are written in order, and then comes the end`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        try await self.eventLoop.run {
            for text in ["one ", "", "two ", "three"] { try await writer.write(ByteBuffer(string: text)) }
            #expect(!writer.isClosed)
            writer.close()
            writer.close()
            #expect(writer.isClosed)
        }
        try reader.waitForOtherEnd()
        #expect(try reader.read(100) == Array("one two three".utf8))
        #expect(try reader.read(100).isEmpty)
    }

    @Test func `a write ends when the pipe has taken all of it`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let content = Pattern.bytes(1 << 20)
        let write = self.write(content, to: writer)
        let first = try await self.read(content.count - (256 << 10), from: reader)
        #expect(write.outcome.pending.isEmpty)
        let rest = try await self.read(256 << 10, from: reader)
        #expect(try await write.outcome.next() == nil)
        #expect(first + rest == content)
    }

    @Test func `closing waits for what was queued before`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let content = Pattern.bytes(512 << 10)
        let write = self.write(content, to: writer)
        let start = try await self.read(1, from: reader)
        try await self.eventLoop.submit { writer.close() }.get()
        let late = self.write([1], to: writer)
        #expect(try await late.outcome.next() == .badFileDescriptor)
        let rest = try await self.read(content.count - 1, from: reader)
        #expect(start + rest == content)
        #expect(try await write.outcome.next() == nil)
        try reader.waitForOtherEnd()
        #expect(try reader.read(1).isEmpty)
    }

    @Test func `a message that waits for its turn can be withdrawn`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let first = self.write([UInt8](repeating: 1, count: 512 << 10), to: writer)
        let start = try await self.read(1, from: reader)
        let second = self.write([2], to: writer)
        let third = self.write([3], to: writer)
        second.task.cancel()
        #expect(try await second.outcome.next() == .canceled)
        let rest = try await self.read((512 << 10) - 1, from: reader)
        #expect((start + rest).allSatisfy { $0 == 1 })
        #expect(try await first.outcome.next() == nil)
        #expect(try await third.outcome.next() == nil)
        #expect(try reader.read(10) == [3])
    }

    @Test func `the message under way can be withdrawn, and the next ones follow`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let first = self.write([UInt8](repeating: 1, count: 4 << 20), to: writer)
        let start = try await self.read(1, from: reader)
        let second = self.write([2], to: writer)
        first.task.cancel()
        #expect(try await first.outcome.next() == .canceled)
        try await self.eventLoop.submit { writer.close() }.get()
        var received = start
        while received.last != 2 {
            received += try await self.read(1, from: reader)
            while let piece = try? reader.read(64 << 10), !piece.isEmpty { received += piece }
        }
        #expect(try await second.outcome.next() == nil)
        #expect(received.dropLast().allSatisfy { $0 == 1 })
        #expect(received.count < 1 << 20)
    }

    @Test func `a write to a pipe that nobody reads any more is a broken pipe`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        #expect(try await self.write([1], to: writer).outcome.next() == nil)
        try reader.close()
        #expect(
            try await self.write([UInt8](repeating: 2, count: 1 << 20), to: writer).outcome.next()
                == .brokenPipe)
        #expect(try await self.write([3], to: writer).outcome.next() == .brokenPipe)
    }

    @Test func `a write under way fails when the reader goes away`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let first = self.write([UInt8](repeating: 1, count: 1 << 20), to: writer)
        _ = try await self.read(1, from: reader)
        let second = self.write([2], to: writer)
        try reader.close()
        #expect(try await first.outcome.next() == .brokenPipe)
        #expect(try await second.outcome.next() == .brokenPipe)
    }

    @Test func `a writer closes its descriptor with its end`() async throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        do {
            let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
            _ = writer
        }
        try reader.waitForOtherEnd()
        #expect(try reader.read(1).isEmpty)
    }
}
