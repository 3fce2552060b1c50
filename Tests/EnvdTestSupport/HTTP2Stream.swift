package import NIOCore
package import NIOHTTP1

/// One stream of an HTTP/2 connection.
package final class HTTP2Stream: Sendable {
    /// What came.
    package enum Part: Sendable {
        case head(HTTPResponseHead)
        case body(ByteBuffer)
        case end
        /// The stream is closed, after `end` or without one.
        case closed
    }

    private let channel: any Channel
    private let parts: Mailbox<Part>

    init(channel: any Channel, parts: Mailbox<Part>) {
        self.channel = channel
        self.parts = parts
    }

    /// Sends a request without a body, at once.
    package func sendRequest(_ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders = [:]) async throws
    {
        self.channel.write(HTTPClientRequestPart.head(Self.head(method, path, headers)), promise: nil)
        try await self.sendEnd()
    }

    package func sendHead(_ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders = [:]) async throws {
        try await self.channel.writeAndFlush(HTTPClientRequestPart.head(Self.head(method, path, headers)))
            .get()
    }

    private static func head(_ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders) -> HTTPRequestHead
    {
        var headers = headers
        headers.replaceOrAdd(name: "Host", value: "test")
        return HTTPRequestHead(version: .http2, method: method, uri: path, headers: headers)
    }

    package func sendBody(_ bytes: some Sequence<UInt8> & Sendable) async throws {
        let part = HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: bytes)))
        try await self.channel.writeAndFlush(part).get()
    }

    package func sendEnd() async throws {
        try await self.channel.writeAndFlush(HTTPClientRequestPart.end(nil)).get()
    }

    /// Resets the stream.
    package func reset() async {
        try? await self.channel.close().get()
    }

    /// What comes next.
    package func next() async throws -> Part {
        try await self.parts.next()
    }

    /// The response, to its end.
    package func reply() async throws -> (status: Int, headers: HTTPHeaders, body: ByteBuffer) {
        var status = 0
        var headers = HTTPHeaders()
        var body = ByteBuffer()
        while true {
            switch try await self.next() {
            case .head(let head):
                status = Int(head.status.code)
                headers = head.headers
            case .body(var bytes): body.writeBuffer(&bytes)
            case .end: return (status, headers, body)
            case .closed: throw UnexpectedEnd(received: String(buffer: body))
            }
        }
    }

    final class Receiver: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let parts: Mailbox<Part>

        init(_ parts: Mailbox<Part>) {
            self.parts = parts
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch Self.unwrapInboundIn(data) {
            case .head(let head): self.parts.post(.head(head))
            case .body(let bytes): self.parts.post(.body(bytes))
            case .end: self.parts.post(.end)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.parts.post(.closed)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
