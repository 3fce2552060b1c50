import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers every request with its body: NIO's HTTP pipeline and the least handler behind it.
final class BareEcho: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var body = ByteBuffer()

    static func listen(
        on address: SocketAddress, eventLoop: any EventLoop
    ) -> EventLoopFuture<SocketAddress?> {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 1024)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(BareEcho())
                }
            }
            .bind(to: address)
            .map(\.localAddress)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head:
            self.body.clear()
        case .body(var bytes):
            self.body.writeBuffer(&bytes)
        case .end:
            let headers: HTTPHeaders = [
                "Content-Type": "application/proto", "Content-Length": String(self.body.readableBytes),
            ]
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(self.body))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
