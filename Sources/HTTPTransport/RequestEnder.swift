import NIOCore
import NIOHTTP2

/// Ends the request of an HTTP/2 stream whose response is complete: the client need not send the rest.
///
/// Closing the stream's channel would say that the exchange was cancelled, and clients drop the response then.
///
/// - SeeAlso: RFC 9113, section 8.1, on `NO_ERROR`.
final class RequestEnder: ChannelOutboundHandler {
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// The event that asks for it.
    struct RestIsUnwanted {}

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        if event is RestIsUnwanted {
            context.writeAndFlush(Self.wrapOutboundOut(.rstStream(.noError)), promise: promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }
}
