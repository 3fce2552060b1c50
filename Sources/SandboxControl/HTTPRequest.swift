import NIOCore
import NIOHTTP1
import NIOPosix

/// A request that the daemon makes itself, on a connection of its own, without TLS.
struct HTTPRequest: Sendable {
    /// Why there is no response.
    enum Failure: Error, CustomStringConvertible {
        case timedOut
        case connectionClosed
        case responseTooLarge

        var description: String {
            switch self {
            case .timedOut: "timed out"
            case .connectionClosed: "connection closed before the response was complete"
            case .responseTooLarge: "response of more than \(HTTPRequest.responseLimit) bytes"
            }
        }
    }

    struct Response: Sendable {
        var status: HTTPResponseStatus
        var body: ByteBuffer
    }

    /// Bytes of a response's body at most.
    static let responseLimit = 64 << 10

    var method: HTTPMethod
    var url: HTTPAddress
    var headers: HTTPHeaders = [:]
    var body = ByteBuffer()
    /// From here to the end of the response.
    var timeout = TimeAmount.seconds(10)

    /// Makes it. Cancelling the task breaks it off.
    ///
    /// - Throws: ``Failure``, or why there is no connection.
    func send(on eventLoop: any EventLoop) async throws -> Response {
        let promise = eventLoop.makePromise(of: Response.self)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(self.timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(Receiver(promise))
                }
            }
        // An address needs no lookup, which would take a thread.
        let address = try? SocketAddress(ipAddress: self.url.host, port: self.url.port)
        let connected =
            address.map { bootstrap.connect(to: $0) }
            ?? bootstrap.connect(host: self.url.host, port: self.url.port)
        connected.whenFailure { promise.fail($0) }
        let timer = eventLoop.scheduleTask(in: self.timeout) { promise.fail(Failure.timedOut) }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        connected.whenSuccess { self.write(to: $0) }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }

    private func write(to channel: any Channel) {
        var headers = self.headers
        headers.replaceOrAdd(name: "Host", value: self.url.authority)
        headers.replaceOrAdd(name: "Connection", value: "close")
        if self.method != .GET {
            headers.replaceOrAdd(name: "Content-Length", value: String(self.body.readableBytes))
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: self.method, uri: self.url.target, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if self.body.readableBytes > 0 {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(self.body)), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Collects the response.
    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<Response>
        private var response = Response(status: .ok, body: ByteBuffer())

        init(_ promise: EventLoopPromise<Response>) {
            self.promise = promise
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch Self.unwrapInboundIn(data) {
            case .head(let head): self.response.status = head.status
            case .body(var bytes):
                guard self.response.body.readableBytes + bytes.readableBytes <= HTTPRequest.responseLimit
                else {
                    self.promise.fail(Failure.responseTooLarge)
                    return
                }
                self.response.body.writeBuffer(&bytes)
            case .end: self.promise.succeed(self.response)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.promise.fail(Failure.connectionClosed)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.promise.fail(error)
        }
    }
}
