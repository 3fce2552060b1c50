import Glibc
import LinuxSystem
import NIOCore
import NIOPosix
import SystemPackage

/// A socket that listens, in this process.
struct OpenSocket: Sendable {
    static let eventLoop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()

    let channel: any Channel
    let port: UInt16

    /// Listens on a free port and sends back what comes.
    init(on address: String, port: Int = 0) async throws {
        self.channel = try await ServerBootstrap(group: Self.eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoChannelHandler())
                }
            }
            .bind(host: address, port: port).get()
        self.port = UInt16(self.channel.localAddress?.port ?? 0)
    }

    func close() async throws {
        try await self.channel.close().get()
    }
}

private final class EchoChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(data, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { context.close(mode: .output, promise: nil) }
    }
}
