import Connect
import HTTPTransport
import NIOCore
import NIOPosix
import SwiftProtobuf

/// The messages of the tests.
typealias Text = Google_Protobuf_StringValue

/// Serves `register`ed procedures on a port of its own while `body` runs, which gets the address.
func withServer(
    _ register: (inout ConnectRouter) -> Void, _ body: (SocketAddress) async throws -> Void
) async throws {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    var router = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop))
    register(&router)
    let server = try await HTTPServer.listen(
        on: .init(ipAddress: "127.0.0.1", port: 0), eventLoop: eventLoop, handler: router
    ).get()
    do {
        guard let address = server.address else { throw ChannelError.unknownLocalAddress }
        try await body(address)
        try await server.shutDown(grace: .zero).get()
    } catch {
        try await server.shutDown(grace: .zero).get()
        throw error
    }
}

/// A connection that has sent `request`, closed when `body` returns.
func withConnection(
    to address: SocketAddress, sending request: String,
    _ body: (inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) async throws -> Void
) async throws {
    let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    try await client.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: request))
        var iterator = inbound.makeAsyncIterator()
        try await body(&iterator)
    }
}

/// A request in HTTP/1.1 of the Connect protocol's streams, in JSON, with `messages`.
func streamRequest(_ path: String, _ messages: [String], headers: String = "") -> String {
    let body = messages.map { message in
        // Short enough for the first three bytes of the length to be zero.
        "\0\0\0\0" + String(UnicodeScalar(UInt8(message.utf8.count))) + message
    }.joined()
    return """
        POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/connect+json\r\n\
        \(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)
        """
}

extension NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator {
    /// All that comes up to and including `mark`, or to the end.
    mutating func read(to mark: String) async throws -> String {
        var text = ""
        while !text.contains(mark), let bytes = try await self.next() { text += String(buffer: bytes) }
        return text
    }
}
