package import LinuxSystem
package import NIOCore
import NIOPosix
package import SystemPackage

/// Writes to a pipe or terminal on the event loop, one message after the other, as fast as it is read.
///
/// A message that waits for its turn can be withdrawn by cancelling the task that writes it; of a message
/// under way the piece in the kernel's hands is still written.
package final class DescriptorWriter: Sendable {
    private struct Message {
        let id: Int
        var rest: ByteBuffer
        let done: (Result<Void, Errno>) -> Void
    }

    private struct State {
        var descriptor: CInt?
        var channel: (any Channel)?
        /// Small at first: most processes are never written to.
        var queue = CircularBuffer<Message>(initialCapacity: 1)
        var queuedBytes = 0
        var nextID = 0
        var isWriting = false
        var isClosing = false
        var failure: Errno?
    }

    /// Bytes that are handed to the kernel in one piece.
    private static let pieceBytes = 64 << 10

    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// Takes `descriptor`, which must be writable.
    package init(_ descriptor: consuming OwnedDescriptor, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        let state = State(descriptor: descriptor.release())
        self.state = NIOLoopBoundBox.makeBoxSendingValue(state, eventLoop: eventLoop)
    }

    /// Writes to a duplicate of `descriptor`; nil if there cannot be one.
    package convenience init?(duplicating descriptor: borrowing OwnedDescriptor, on eventLoop: any EventLoop)
    {
        guard let copy = try? descriptor.duplicate() else { return nil }
        self.init(copy, on: eventLoop)
    }

    deinit {
        let state = self.state
        self.eventLoop.execute { Self.closeDescriptor(state) }
    }

    /// Writes all of `bytes`, after what was queued before.
    ///
    /// - Throws: `Errno`: `brokenPipe` if nobody reads any more, `badFileDescriptor` after ``close()``,
    ///   `canceled` if the task was cancelled first.
    package func write(_ bytes: ByteBuffer) async throws(Errno) {
        let id = self.state.withValue { state in
            state.nextID += 1
            return state.nextID
        }
        let result: Result<Void, Errno> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.enqueue(Message(id: id, rest: bytes) { continuation.resume(returning: $0) })
            }
        } onCancel: {
            self.eventLoop.execute { self.withdraw(id) }
        }
        try result.get()
    }

    /// Closes the descriptor after what was queued, so that the other side sees the end. May be called again.
    package func close() {
        self.state.value.isClosing = true
        self.advance()
    }

    /// Closes the descriptor at once: what was queued fails with `badFileDescriptor`.
    package func abort() {
        self.state.value.isClosing = true
        self.fail(.badFileDescriptor)
    }

    /// Bytes that wait to be written, and what each message takes besides.
    package var queuedBytes: Int {
        self.state.value.queuedBytes + self.state.value.queue.count * Self.messageBytes
    }

    /// About what a message takes in memory with the task that waits for it.
    private static let messageBytes = 1 << 10

    /// Whether ``close()`` was called.
    package var isClosed: Bool { self.state.value.isClosing }

    private func enqueue(_ message: Message) {
        if let failure = self.state.value.failure {
            message.done(.failure(failure))
        } else if self.state.value.isClosing {
            message.done(.failure(.badFileDescriptor))
        } else {
            self.state.value.queue.append(message)
            self.state.value.queuedBytes += message.rest.readableBytes
            self.advance()
        }
    }

    private func withdraw(_ id: Int) {
        guard let index = self.state.value.queue.firstIndex(where: { $0.id == id }) else { return }
        let message = self.state.value.queue.remove(at: index)
        self.state.value.queuedBytes -= message.rest.readableBytes
        message.done(.failure(.canceled))
    }

    /// Starts the next write, if there is something to write and nothing is being written.
    private func advance() {
        guard !self.state.value.isWriting else { return }
        guard let message = self.state.value.queue.first else {
            if self.state.value.isClosing { Self.closeDescriptor(self.state) }
            return
        }
        guard message.rest.readableBytes > 0 else {
            self.state.value.queue.removeFirst()
            message.done(.success(()))
            self.advance()
            return
        }
        self.state.value.isWriting = true
        guard let channel = self.state.value.channel else {
            self.open()
            return
        }
        let length = min(message.rest.readableBytes, Self.pieceBytes)
        guard let piece = message.rest.getSlice(at: message.rest.readerIndex, length: length) else { return }
        channel.writeAndFlush(piece).assumeIsolated().whenComplete { result in
            self.state.value.isWriting = false
            switch result {
            case .success: self.wrote(length, of: message.id)
            case .failure(let error): self.fail((error as? IOError).map { Errno(rawValue: $0.errnoCode) })
            }
            self.advance()
        }
    }

    private func wrote(_ length: Int, of id: Int) {
        guard self.state.value.queue.first?.id == id else { return }  // It was withdrawn meanwhile.
        let first = self.state.value.queue.startIndex
        self.state.value.queue[first].rest.moveReaderIndex(forwardBy: length)
        self.state.value.queuedBytes -= length
    }

    private func fail(_ failure: Errno?) {
        let failure = self.state.value.failure ?? failure ?? .brokenPipe
        self.state.value.failure = failure
        let queue = self.state.value.queue
        self.state.value.queue.removeAll()
        self.state.value.queuedBytes = 0
        Self.closeDescriptor(self.state)
        for message in queue { message.done(.failure(failure)) }
    }

    /// Makes the channel with the first write: most processes are never written to.
    private func open() {
        guard let descriptor = self.state.value.descriptor else {
            self.state.value.isWriting = false
            self.fail(nil)
            return
        }
        self.state.value.descriptor = nil
        NIOPipeBootstrap(group: self.eventLoop)
            .takingOwnershipOfDescriptor(output: descriptor)
            .assumeIsolated()
            .whenComplete { result in
                self.state.value.isWriting = false
                switch result {
                case .success(let channel) where self.state.value.failure == nil:
                    self.state.value.channel = channel
                case .success(let channel):
                    channel.close(promise: nil)
                case .failure:
                    _ = OwnedDescriptor(taking: descriptor)
                    self.fail(nil)
                }
                self.advance()
            }
    }

    /// Closing may call back at once.
    private static func closeDescriptor(_ state: NIOLoopBoundBox<State>) {
        let (descriptor, channel) = (state.value.descriptor, state.value.channel)
        state.value.descriptor = nil
        state.value.channel = nil
        if let descriptor { _ = OwnedDescriptor(taking: descriptor) }
        channel?.close(promise: nil)
    }
}
