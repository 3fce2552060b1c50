package import LinuxSystem
package import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// Reads a pipe, terminal or event descriptor on the event loop, as fast as its consumer wants.
///
/// All calls are made on the loop, and so are the callbacks.
package final class DescriptorReader: Sendable {
    /// What a reader tells its consumer.
    package enum Event: Sendable {
        /// The next bytes.
        case bytes(ByteBuffer)
        /// There is no more: end of file, or for a terminal its last writer's exit (EIO).
        case end
    }

    private struct State {
        var channel: (any Channel)?
        var isPaused = false
        var isEnded = false
        var fullReads = 0
        var hasLargePipe = false
    }

    /// How much is read before other descriptors have their turn.
    package struct Pace: Sendable {
        /// Bytes of one read at most.
        var maxReadBytes: Int
        var readsPerTurn: UInt

        /// Large reads make few messages of much output.
        package static let bulk = Pace(maxReadBytes: 256 << 10, readsPerTurn: 4)
        /// Messages that take time each.
        package static let messages = Pace(maxReadBytes: 32 << 10, readsPerTurn: 1)
    }

    private static let firstReadBytes = 4 << 10
    /// The pipe's size (the kernel's default is 64 KiB) once it has proved busy: unprivileged users have only
    /// 64 MiB of pipe buffers in total, so not every pipe can be this large.
    private static let largePipeBytes: CInt = 1 << 20
    /// Reads of at least the default pipe's size after which a pipe counts as busy.
    private static let busyReads = 4
    private static let defaultPipeBytes = 64 << 10

    private let eventLoop: any EventLoop
    private let pace: Pace
    private let rawDescriptor: CInt
    /// Held until reading begins.
    private let descriptor: Mutex<OwnedDescriptor?>
    private let state: NIOLoopBoundBox<State>
    private let receive: NIOLoopBoundBox<((Event) -> Void)?>

    /// Takes `descriptor`; nothing is read before ``start(_:)``.
    package init(
        _ descriptor: consuming OwnedDescriptor, on eventLoop: any EventLoop, pace: Pace = .bulk
    ) {
        self.eventLoop = eventLoop
        self.pace = pace
        self.rawDescriptor = descriptor.rawValue
        self.descriptor = Mutex(descriptor)
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
        self.receive = NIOLoopBoundBox.makeEmptyBox(eventLoop: eventLoop)
    }

    /// Reads from a duplicate of `descriptor`; nil if there cannot be one.
    package convenience init?(duplicating descriptor: borrowing OwnedDescriptor, on eventLoop: any EventLoop)
    {
        guard let copy = try? descriptor.duplicate() else { return nil }
        self.init(copy, on: eventLoop)
    }

    /// Begins to read. `receive` is called for each piece and once for the end.
    package func start(_ receive: @escaping (Event) -> Void) {
        self.receive.value = receive
        self.open()
    }

    /// Prepares to read: nothing is read before ``open()`` or ``readReady()``.
    package func prepare(_ receive: @escaping (Event) -> Void) {
        self.receive.value = receive
    }

    /// Reads that are made at once at most: others may write as fast as it is read.
    private static let readyReads = 4
    /// Bytes of such a read: what the stack has room for. More is left to the event loop.
    private static let readyBytesAtOnce = 1 << 10

    /// Reads what is in the descriptor now, without the event loop. For a writer that has ended, this may be all.
    package func readReady() {
        for _ in 0..<Self.readyReads where !self.state.value.isEnded {
            switch self.readOnce() {
            case .success(let bytes) where bytes.readableBytes > 0: self.received(bytes)
            case .success: self.end()
            case .failure(.wouldBlock), .none: return
            case .failure: self.end()
            }
        }
    }

    /// Reads once; nil if the event loop has the descriptor.
    private func readOnce() -> Result<ByteBuffer, Errno>? {
        self.descriptor.withLock { descriptor in
            switch descriptor {
            case .none:
                return nil
            case .some(let descriptor):
                // On the stack: most often there is nothing but the end.
                return withUnsafeTemporaryAllocation(byteCount: Self.readyBytesAtOnce, alignment: 1) {
                    target in
                    do throws(Errno) {
                        let count = try descriptor.read(into: target)
                        return .success(ByteBuffer(bytes: target.prefix(count)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
        }
    }

    /// Lets the event loop read the descriptor from now on.
    package func open() {
        guard !self.state.value.isEnded else { return }
        guard let rawDescriptor = self.descriptor.withLock({ $0.take()?.release() }) else { return }
        let handler = NIOLoopBound(Handler(reader: self), eventLoop: self.eventLoop)
        NIOPipeBootstrap(group: self.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Here and not in the bootstrap, which would make a future of each.
                    try channel.syncOptions?.setOption(.autoRead, value: false)
                    try channel.syncOptions?.setOption(.maxMessagesPerRead, value: self.pace.readsPerTurn)
                    try channel.syncOptions?.setOption(
                        .recvAllocator,
                        value: AdaptiveRecvByteBufferAllocator(
                            minimum: 1 << 10, initial: Self.firstReadBytes,
                            maximum: self.pace.maxReadBytes))
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .takingOwnershipOfDescriptor(input: rawDescriptor)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    self.state.value.channel = channel
                    if self.state.value.isEnded {
                        channel.close(promise: nil)
                    } else if !self.state.value.isPaused {
                        channel.read()
                    }
                case .failure:
                    _ = OwnedDescriptor(taking: rawDescriptor)
                    self.end()
                }
            }
    }

    /// Stops reading: the descriptor fills up and its writer waits.
    package func pause() {
        self.state.value.isPaused = true
    }

    /// Goes on reading.
    package func resume() {
        guard self.state.value.isPaused else { return }
        self.state.value.isPaused = false
        self.state.value.channel?.read()
    }

    /// Closes the descriptor. No more events follow.
    package func close() {
        self.receive.value = nil
        self.end()
    }

    /// Bytes that are ready in the descriptor now.
    package var readyBytes: Int {
        self.state.value.isEnded ? 0 : PipeBuffer.readyBytes(self.rawDescriptor)
    }

    private func end() {
        guard !self.state.value.isEnded else { return }
        self.state.value.isEnded = true
        self.descriptor.withLock { $0 = nil }
        self.state.value.channel?.close(promise: nil)
        self.state.value.channel = nil
        let receive = self.receive.value
        self.receive.value = nil
        receive?(.end)
    }

    private func received(_ bytes: ByteBuffer) {
        guard !self.state.value.isEnded else { return }
        if bytes.readableBytes >= Self.defaultPipeBytes { self.enlargePipe() }
        self.receive.value?(.bytes(bytes))
    }

    private func enlargePipe() {
        guard !self.state.value.hasLargePipe else { return }
        self.state.value.fullReads += 1
        guard self.state.value.fullReads >= Self.busyReads else { return }
        self.state.value.hasLargePipe = true
        PipeBuffer.resize(self.rawDescriptor, to: Self.largePipeBytes)
    }

    private func readCompleted() {
        if !self.state.value.isPaused { self.state.value.channel?.read() }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let reader: DescriptorReader

        init(reader: DescriptorReader) {
            self.reader = reader
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.reader.received(Self.unwrapInboundIn(data))
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            self.reader.readCompleted()
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.reader.end()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.reader.end()
        }
    }
}
