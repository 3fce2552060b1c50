internal import Glibc
package import NIOCore
import NIOPosix

/// A bare TCP connection: it receives only while somebody asks for bytes, so that a client that does not read is
/// one that asks for nothing.
package final class SocketClient: Sendable {
    private struct State {
        var buffer = ByteBuffer()
        var isEnded = false
        var error: (any Error)?
        /// Looks at what is there; true if it has what it waited for.
        var waiter: ((inout State) -> Bool)?
    }

    private let channel: any Channel
    private let state: NIOLoopBoundBox<State>

    private init(channel: any Channel, state: NIOLoopBoundBox<State>) {
        self.channel = channel
        self.state = state
    }

    /// Connects to `address`.
    ///
    /// - Parameter receiveBuffer: bytes that the kernel takes for a client that does not read.
    package static func connect(to address: SocketAddress, receiveBuffer: Int? = nil) async throws
        -> SocketClient
    {
        let eventLoop = ClientLoop.any
        let state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
        var bootstrap = ClientBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(state))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        return SocketClient(channel: try await bootstrap.connect(to: address).get(), state: state)
    }

    /// This end's address.
    package var address: SocketAddress? { self.channel.localAddress }

    // MARK: Sending

    /// Sends `bytes`; returns when the kernel has taken them.
    package func send(_ bytes: some Sequence<UInt8> & Sendable) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Sends `text`; returns when the kernel has taken it.
    package func send(_ text: String) async throws {
        try await self.send(Array(text.utf8))
    }

    /// Sends `bytes` as fast as the server takes them, and calls `sent` when the kernel has taken all, or cannot.
    package func send(_ bytes: ByteBuffer, sent: @escaping @Sendable (Bool) -> Void) {
        self.channel.writeAndFlush(bytes).whenComplete { result in
            switch result {
            case .success: sent(true)
            case .failure: sent(false)
            }
        }
    }

    /// Says that nothing more will be sent.
    package func closeOutput() async throws {
        try await self.channel.close(mode: .output).get()
    }

    /// Closes the connection; fine if it is closed already.
    package func close() async {
        try? await self.channel.close().get()
    }

    /// Closes the connection so that the server sees a reset.
    package func reset() async throws {
        let options = self.channel as? any SocketOptionProvider
        try await options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        await self.close()
    }

    // MARK: Receiving

    /// Takes what `attempt` finds, as soon as it finds something. It is told whether the server has ended.
    private func take<Found: Sendable>(
        within limit: TimeAmount = patience,
        _ attempt: @escaping @Sendable (_ buffer: inout ByteBuffer, _ isEnded: Bool) throws -> Found?
    ) async throws -> Found {
        let found = self.channel.eventLoop.flatSubmit {
            let promise = self.channel.eventLoop.makePromise(of: Found.self)
            let timer = self.channel.eventLoop.scheduleTask(in: limit) {
                let text = String(buffer: self.state.value.buffer).prefix(400)
                self.state.value.waiter = nil
                promise.fail(Overdue(description: "not received in time; received: \(text)"))
            }
            self.state.value.waiter = { state in
                do {
                    if let found = try attempt(&state.buffer, state.isEnded) {
                        promise.succeed(found)
                    } else if state.isEnded {
                        let received = String(buffer: state.buffer)
                        promise.fail(UnexpectedEnd(received: received, cause: state.error))
                    } else {
                        return false
                    }
                } catch {
                    promise.fail(error)
                }
                timer.cancel()
                return true
            }
            Receiver.look(self.state, self.channel)
            return promise.futureResult
        }
        return try await found.get()
    }

    /// The next `count` bytes.
    package func bytes(_ count: Int, within limit: TimeAmount = patience) async throws -> ByteBuffer {
        try await self.take(within: limit) { buffer, _ in buffer.readSlice(length: count) }
    }

    /// The next line, without its end.
    package func line() async throws -> String {
        try await self.take { buffer, _ in
            let view = buffer.readableBytesView
            guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            // Its end, "\r\n" or "\n", is one character.
            let line = buffer.readString(length: end - view.startIndex + 1) ?? ""
            return String(line.dropLast())
        }
    }

    /// The next bytes, however few, or nil at the end.
    package func some() async throws -> ByteBuffer? {
        let found: ByteBuffer = try await self.take { buffer, isEnded in
            if buffer.readableBytes > 0 {
                defer { buffer.clear() }
                return buffer
            }
            return isEnded ? ByteBuffer() : nil
        }
        return found.readableBytes == 0 ? nil : found
    }

    /// Everything up to the end of the connection.
    package func rest(within limit: TimeAmount = patience) async throws -> ByteBuffer {
        try await self.take(within: limit) { buffer, isEnded in
            guard isEnded else { return nil }
            defer { buffer.clear() }
            return buffer
        }
    }

    /// Why the connection ended: nil if the server closed it in good order.
    package func endError() async throws -> (any Error)? {
        try await self.channel.eventLoop.submit { self.state.value.error }.get()
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let state: NIOLoopBoundBox<State>

        init(_ state: NIOLoopBoundBox<State>) {
            self.state = state
        }

        /// Lets the waiter look at what is there, and asks for more if that is not enough.
        static func look(_ state: NIOLoopBoundBox<State>, _ channel: any Channel) {
            guard let waiter = state.value.waiter else { return }
            state.value.waiter = nil
            var current = state.value
            let isDone = waiter(&current)
            state.value.buffer = current.buffer
            guard !isDone else { return }
            state.value.waiter = waiter
            channel.read()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = Self.unwrapInboundIn(data)
            if self.state.value.buffer.readableBytes == 0 {
                self.state.value.buffer = bytes
            } else {
                self.state.value.buffer.writeBuffer(&bytes)
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            Self.look(self.state, context.channel)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { self.end(context) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.end(context)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.state.value.error = error
            context.close(promise: nil)
        }

        private func end(_ context: ChannelHandlerContext) {
            self.state.value.isEnded = true
            Self.look(self.state, context.channel)
        }
    }
}
