internal import Glibc
package import NIOCore

/// Lets a listening socket rest after it could not accept for want of descriptors or memory: the loop would turn for as long
/// as somebody waits to be accepted.
///
/// NIO's own `AcceptBackoffHandler` holds back reads that are asked for, and the one that failed is still pending.
///
/// - SeeAlso: accept(2), `EMFILE`.
package final class AcceptPause: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)

    /// Of a client that has left meanwhile, accept(2) tells as well: the next one can be accepted at once.
    private static let lacks: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

    package init() {}

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.lacks.contains(error.errnoCode) else { return }
        let channel = context.channel
        Self.setAccepting(false, channel)
        _ = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            Self.setAccepting(true, channel)
        }
    }

    private static func setAccepting(_ isAccepting: Bool, _ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: isAccepting)
    }
}
