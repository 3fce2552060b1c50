import EnvdTestSupport
import LinuxIO
import LinuxSystem
import NIOCore
import Testing

@Suite struct DescriptorReaderTests {
    private let eventLoop = ClientLoop.any

    /// Starts to read; the events go to the mailbox.
    private func start(_ reader: DescriptorReader) async throws -> Mailbox<DescriptorReader.Event> {
        let events = Mailbox<DescriptorReader.Event>()
        try await self.eventLoop.submit { reader.start { events.post($0) } }.get()
        return events
    }

    private func bytes(_ events: Mailbox<DescriptorReader.Event>) async throws -> ByteBuffer? {
        switch try await events.next() {
        case .bytes(let bytes): bytes
        case .end: nil
        }
    }

    @Test func `bytes come as they are written, and then the end`() async throws {
        var pipe = try TestPipe()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let writer = try pipe.takeWriteEnd()
        let events = try await self.start(reader)
        for text in ["one", "two", "three"] {
            #expect(try writer.write(Array(text.utf8)) == text.utf8.count)
            #expect(try await self.bytes(events) == ByteBuffer(string: text))
        }
        try writer.close()
        #expect(try await self.bytes(events) == nil)
        // Nothing follows the end.
        try await self.eventLoop.submit { reader.close() }.get()
        #expect(events.pending.isEmpty)
    }

    @Test func `what was written before the reading began is read`() async throws {
        var pipe = try TestPipe()
        let writer = try pipe.takeWriteEnd()
        #expect(try writer.write([1, 2, 3]) == 3)
        try writer.close()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let events = try await self.start(reader)
        #expect(try await self.bytes(events) == ByteBuffer(bytes: [1, 2, 3]))
        #expect(try await self.bytes(events) == nil)
    }

    @Test func `a paused reader leaves the pipe full, and goes on where it was`() async throws {
        var pipe = try TestPipe()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let writer = try pipe.takeWriteEnd()
        let events = try await self.start(reader)
        #expect(try writer.write([1]) == 1)
        #expect(try await self.bytes(events) == ByteBuffer(bytes: [1]))
        try await self.eventLoop.submit { reader.pause() }.get()
        // The read that was asked for before is made, and is over when the loop has its next turn.
        var written = writer.fill()
        var received = try await self.bytes(events)?.readableBytes ?? .max
        try await self.eventLoop.submit {}.get()
        written += writer.fill()
        #expect(writer.fill() == 0)
        let ready = try await self.eventLoop.submit { reader.readyBytes }.get()
        #expect(ready > 0)
        try await self.eventLoop.submit { reader.resume() }.get()
        while received < written { received += try await self.bytes(events)?.readableBytes ?? .max }
        #expect(received == written)
        #expect(writer.fill() > 0)
    }

    @Test func `a reader that is paused before it starts reads nothing until it goes on`() async throws {
        var pipe = try TestPipe()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let writer = try pipe.takeWriteEnd()
        #expect(try writer.write([1, 2]) == 2)
        try await self.eventLoop.submit { reader.pause() }.get()
        let events = try await self.start(reader)
        try await self.eventLoop.submit {}.get()
        let ready = try await self.eventLoop.submit { reader.readyBytes }.get()
        #expect(ready == 2)
        #expect(events.pending.isEmpty)
        try await self.eventLoop.submit { reader.resume() }.get()
        #expect(try await self.bytes(events) == ByteBuffer(bytes: [1, 2]))
    }

    @Test func `a closed reader says no more, and its writer sees a broken pipe`() async throws {
        var pipe = try TestPipe()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let writer = try pipe.takeWriteEnd()
        let events = try await self.start(reader)
        #expect(try writer.write([1]) == 1)
        #expect(try await self.bytes(events) != nil)
        try await self.eventLoop.submit {
            reader.close()
            reader.close()
            reader.resume()
            #expect(reader.readyBytes == 0)
        }.get()
        try writer.waitForOtherEnd()
        #expect(throws: (any Error).self) { try writer.write([2]) }
        #expect(events.pending.isEmpty)
    }

    @Test func `a reader that never started closes its descriptor with its end`() async throws {
        var pipe = try TestPipe()
        let writer = try pipe.takeWriteEnd()
        do {
            _ = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        }
        try writer.waitForOtherEnd()
        #expect(throws: (any Error).self) { try writer.write([1]) }
    }

    @Test func `much output comes in large pieces, unharmed`() async throws {
        var pipe = try TestPipe()
        let reader = DescriptorReader(try pipe.takeReadEnd(), on: self.eventLoop)
        let writer = DescriptorWriter(try pipe.takeWriteEnd(), on: self.eventLoop)
        let content = ByteBuffer(bytes: Pattern.bytes(8 << 20))  // 2048 pieces of 4 KiB.
        let events = try await self.start(reader)
        async let sent: Void = self.eventLoop.run {
            try await writer.write(content)
            writer.close()
        }
        var received = ByteBuffer()
        var pieces = 0
        while var piece = try await self.bytes(events) {
            received.writeBuffer(&piece)
            pieces += 1
        }
        try await sent
        #expect(received == content)
        #expect(pieces < 2048)
    }
}
