internal import Glibc
public import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix

/// Serves HTTP/1.1 and HTTP/2 with prior knowledge (h2c) on one port.
public final class HTTPServer: Sendable {
    /// Connections that wait to be accepted.
    private static let backlog: Int32 = 1024

    private let listener: any Channel
    private let shared: NIOLoopBound<ServerShared>

    /// The address in use: with the port that the kernel chose if 0 was asked for.
    public var address: SocketAddress? { self.listener.localAddress }

    private init(listener: any Channel, shared: NIOLoopBound<ServerShared>) {
        self.listener = listener
        self.shared = shared
    }

    /// Listens on `address` and answers with `handler`, all on `eventLoop`.
    ///
    /// - Throws: `IOError` if the address cannot be bound.
    public static func listen(
        on address: SocketAddress,
        eventLoop: any EventLoop,
        limits: HTTPLimits = HTTPLimits(),
        handler: any HTTPHandler
    ) -> EventLoopFuture<HTTPServer> {
        self.listen(eventLoop, limits, handler) { $0.bind(to: address) }
    }

    /// Answers who connects to `socket`, a listening stream socket that is the server's from now on.
    public static func listen(
        on socket: NIOBSDSocket.Handle,
        eventLoop: any EventLoop,
        limits: HTTPLimits = HTTPLimits(),
        handler: any HTTPHandler
    ) -> EventLoopFuture<HTTPServer> {
        self.listen(eventLoop, limits, handler) { bootstrap in
            bootstrap.withBoundSocket(socket).map { channel in
                // NIO listens with a shorter queue, whatever the option says.
                _ = Glibc.listen(socket, CInt(Self.backlog))
                return channel
            }
        }
    }

    private static func listen(
        _ eventLoop: any EventLoop, _ limits: HTTPLimits, _ handler: any HTTPHandler,
        _ begin: @escaping @Sendable (ServerBootstrap) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<HTTPServer> {
        eventLoop.flatSubmit {
            let shared = NIOLoopBound(ServerShared(handler: handler, limits: limits), eventLoop: eventLoop)
            let bootstrap = ServerBootstrap(group: eventLoop)
                // Without descriptors to accept with, the loop would turn for as long as somebody waits.
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPause())
                    }
                }
                .serverChannelOption(.backlog, value: Self.backlog)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.maxMessagesPerRead, value: 64)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(
                        minimum: Self.firstReadBytes, initial: Self.firstReadBytes,
                        maximum: limits.receiveBufferBytes)
                )
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelOption(
                    .writeBufferWaterMark,
                    value: .init(low: limits.writeLowWatermark, high: limits.writeHighWatermark)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try Self.configure(channel, shared.value) }
                }
            return begin(bootstrap).map { HTTPServer(listener: $0, shared: shared) }
        }
    }

    /// Stops accepting, lets the exchanges under way finish and closes idle connections; what is left after
    /// `grace` is cut. Succeeds when all connections are closed.
    public func shutDown(grace: TimeAmount) -> EventLoopFuture<Void> {
        let eventLoop = self.listener.eventLoop
        let shared = self.shared
        let done = eventLoop.makePromise(of: Void.self)
        self.listener.close().whenComplete { _ in
            let cut = eventLoop.scheduleTask(in: grace) { shared.value.closeAll() }
            shared.value.drain {
                cut.cancel()
                done.succeed()
            }
        }
        return done.futureResult
    }

    /// Closes at once every connection on which no byte has come since `time`. Called on the server's event loop.
    ///
    /// - Parameter sparingAcknowledged: spares those, too, on which the client's kernel has acknowledged something since:
    ///   somebody is there.
    public func closeConnections(silentSince time: NIODeadline, sparingAcknowledged: Bool) {
        self.shared.value.closeSilent(since: time, sparingAcknowledged: sparingAcknowledged)
    }

    // MARK: Connections

    /// Bytes of a connection's first read buffer: enough for most requests, since every connection keeps one. It grows
    /// with what comes.
    private static let firstReadBytes = 1 << 10

    /// What a connection too many is told.
    private static func refusal(_ shared: ServerShared) -> ByteBuffer {
        ByteBuffer(
            string: "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
                + "Date: \(shared.date.now())\r\n\r\n")
    }

    private static func configure(_ channel: any Channel, _ shared: ServerShared) throws {
        guard shared.admit(channel) else {
            channel.writeAndFlush(Self.refusal(shared)).whenComplete { _ in channel.close(promise: nil) }
            return
        }
        let detector = ProtocolDetector(limits: shared.limits) { isHTTP2 in
            if isHTTP2 {
                try Self.configureHTTP2(channel, shared)
            } else {
                try Self.configureHTTP1(channel, shared)
            }
        }
        try channel.pipeline.syncOperations.addHandler(detector)
    }

    private static func configureHTTP1(_ channel: any Channel, _ shared: ServerShared) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = shared.limits.headerBytes
        limits.maxHeaderListSize = shared.limits.headerBytes
        limits.maxHeaderFieldCount = shared.limits.headerFields
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        let exchanges = ExchangeChannelHandler(
            server: shared, peer: channel.remoteAddress, carriesOneExchange: false)
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(), ByteToMessageHandler(decoder), exchanges,
        ])
    }

    /// Bytes of a frame's payload that clients may send (RFC 9113, section 6.5.2, the initial value).
    private static let framePayloadBytes = 16 << 10

    private static func configureHTTP2(_ channel: any Channel, _ shared: ServerShared) throws {
        let limits = shared.limits
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streamsPerConnection),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.bodyReadAhead),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
        ]
        // As many as a header block of the size that is allowed needs, in frames of the largest size.
        connection.maximumSequentialContinuationFrames = limits.headerBytes / Self.framePayloadBytes
        connection.targetWindowSize = limits.connectionWindow
        connection.controlFrameRateLimit.maximumCount = limits.controlFrames
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = limits.bodyReadAhead
        stream.outboundBufferSizeHighWatermark = limits.writeHighWatermark
        stream.outboundBufferSizeLowWatermark = limits.writeLowWatermark
        stream.streamResetFrameRateLimit.maximumCount = limits.streamResets
        stream.streamErrorRateLimit.maximumCount = limits.streamErrors

        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: limits.idleTime, maxAge: nil, maxGraceTime: nil, keepalive: nil)
        )
        let peer = channel.remoteAddress
        let shared = NIOLoopBound(shared, eventLoop: channel.eventLoop)
        let streams = ConnectionStreams(management: management.http2StreamDelegate)
        let reader = ConnectionReader(streams: streams)
        shared.value.watch(
            channel, idleSince: { [weak channel] in channel?.bytesToSend == 0 ? streams.idleSince : nil },
            lastReceived: { reader.lastReceived })
        let handler = NIOHTTP2Handler(
            mode: .server,
            eventLoop: channel.eventLoop,
            connectionConfiguration: connection,
            streamConfiguration: stream,
            streamDelegate: streams
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.syncOptions?.setOption(.autoRead, value: false)
                try stream.pipeline.syncOperations.addHandlers([
                    RequestEnder(), HTTP2FramePayloadToHTTP1ServerCodec(),
                    ExchangeChannelHandler(server: shared.value, peer: peer, carriesOneExchange: true),
                ])
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            handler, management, reader,
        ])
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
    }
}
