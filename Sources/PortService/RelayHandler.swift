import NIOCore

/// One end of a relayed connection: what comes in at one end goes out at the other, as fast as that takes it.
final class RelayHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var other: RelayHandler?
    /// Nil before this end is connected, and when it is closed.
    private var context: ChannelHandlerContext?
    private var wantsRead = false
    /// What is to go out when this end is connected: the channel of a client that has ended what it sends is read to
    /// its end, whoever wants it or not.
    private var held = CircularBuffer<ByteBuffer>()
    private var heldEnd: CloseMode?
    /// Called once, when this end is connected.
    var whenActive: (() -> Void)?

    /// Two ends of one connection.
    static func pair() -> (RelayHandler, RelayHandler) {
        let (first, second) = (RelayHandler(), RelayHandler())
        first.other = second
        second.other = first
        return (first, second)
    }

    // MARK: In

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        while let bytes = self.held.popFirst() { self.send(bytes) }
        context.flush()
        if let end = self.heldEnd { self.finish(end) }
        self.other?.readIfWanted()
        self.whenActive?()
        self.whenActive = nil
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.other?.send(Self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.other?.context?.flush()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.other?.finish(.output) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.other?.finish(.all)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.other = nil
        self.held.removeAll()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.other?.readIfWanted() }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if self.other?.context?.channel.isWritable == true {
            context.read()
        } else {
            self.wantsRead = true
        }
    }

    private func readIfWanted() {
        guard self.wantsRead else { return }
        self.wantsRead = false
        self.context?.read()
    }

    // MARK: Out

    private func send(_ bytes: ByteBuffer) {
        if let context = self.context {
            context.write(Self.wrapOutboundOut(bytes), promise: nil)
        } else {
            self.held.append(bytes)
        }
    }

    /// Ends this end when all that was written has been sent: closing drops what is left.
    private func finish(_ mode: CloseMode) {
        guard let context = self.context else {
            self.heldEnd = mode
            return
        }
        let channel = context.channel
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in channel.close(mode: mode, promise: nil) }
    }
}
