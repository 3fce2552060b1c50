import NIOCore

/// Looks at a connection's first bytes and sets it up for HTTP/2 if they are its preface, else for HTTP/1.1.
///
/// The preface begins with `PRI `, which no HTTP/1.1 request does.
///
/// - SeeAlso: RFC 9113, section 3.4, and section 3.3 (prior knowledge).
final class ProtocolDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let mark: [UInt8] = Array("PRI ".utf8)

    private let configure: (_ isHTTP2: Bool) throws -> Void
    private var seen = ByteBuffer()
    private var timer: Scheduled<Void>?
    private let limits: HTTPLimits

    init(limits: HTTPLimits, configure: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.limits = limits
        self.configure = configure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.limits.headerReadTime) {
            channel.close(promise: nil)
        }
        if channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        self.seen.writeBuffer(&bytes)
        let length = min(self.seen.readableBytes, Self.mark.count)
        let isPrefix = self.seen.readableBytesView.prefix(length).elementsEqual(Self.mark.prefix(length))
        if isPrefix, length < Self.mark.count {
            context.read()
            return
        }
        do {
            try self.configure(isPrefix)
            // The channel itself says next that the read is complete.
            context.fireChannelRead(Self.wrapInboundOut(self.seen))
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}
