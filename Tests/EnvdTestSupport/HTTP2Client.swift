package import NIOCore
import NIOHTTP2
import NIOPosix

/// An HTTP/2 connection with prior knowledge.
package final class HTTP2Client: Sendable {
    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    private init(channel: any Channel, multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.channel = channel
        self.multiplexer = multiplexer
    }

    package static func connect(to address: SocketAddress) async throws -> HTTP2Client {
        let channel = try await ClientBootstrap(group: ClientLoop.any)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = NIOHTTP2Handler(
                        mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: .init(),
                        streamConfiguration: .init()
                    ) { $0.close() }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(to: address).get()
        let multiplexer = try await channel.pipeline.handler(type: NIOHTTP2Handler.self)
            .flatMap(\.multiplexer).get()
        return HTTP2Client(channel: channel, multiplexer: multiplexer)
    }

    /// Opens a stream.
    package func stream() async throws -> HTTP2Stream {
        let parts = Mailbox<HTTP2Stream.Part>()
        let promise = self.channel.eventLoop.makePromise(of: (any Channel).self)
        self.multiplexer.createStreamChannel(promise: promise) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http), HTTP2Stream.Receiver(parts),
                ])
            }
        }
        return HTTP2Stream(channel: try await promise.futureResult.get(), parts: parts)
    }

    package func close() async {
        try? await self.channel.close().get()
    }

    /// Returns when the connection is closed.
    package func closed() async throws {
        let ended = Mailbox<Void>()
        self.channel.closeFuture.whenComplete { _ in ended.post() }
        try await ended.next()
    }
}
