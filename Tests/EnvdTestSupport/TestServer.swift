package import HTTPTransport
package import NIOCore
import NIOPosix
import Synchronization

/// A server on a port of its own and a thread of its own.
package struct TestServer: Sendable {
    package let http: HTTPServer
    package let eventLoop: any EventLoop
    package let address: SocketAddress

    /// Connects a client.
    package func client(receiveBuffer: Int? = nil) async throws -> SocketClient {
        try await SocketClient.connect(to: self.address, receiveBuffer: receiveBuffer)
    }
}

/// Serves with what `makeHandler` makes for the server's event loop, while `body` runs.
package func withServer<Result>(
    limits: HTTPLimits = HTTPLimits(), makeHandler: @Sendable (any EventLoop) -> any HTTPHandler,
    _ body: (TestServer) async throws -> Result
) async throws -> Result {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop = group.any()
    let result = await Swift.Result {
        try await withServer(on: eventLoop, limits: limits, handler: makeHandler(eventLoop), body)
    }
    try await group.shutdownGracefully()
    return try result.get()
}

private let serverNumber = Atomic<Int>(0)

/// Serves on a loop of the caller's, while `body` runs.
package func withServer<Result>(
    on eventLoop: any EventLoop, limits: HTTPLimits = HTTPLimits(), handler: any HTTPHandler,
    _ body: (TestServer) async throws -> Result
) async throws -> Result {
    // An address of its own: a port that is free again could be another test's next.
    let number = serverNumber.wrappingAdd(1, ordering: .relaxed).newValue
    let loopback = try SocketAddress(ipAddress: "127.1.\(number >> 8 & 255).\(number & 255)", port: 0)
    let http = try await HTTPServer.listen(
        on: loopback, eventLoop: eventLoop, limits: limits, handler: handler
    ).get()
    guard let address = http.address else { throw Overdue(description: "the server has no address") }
    let result = await Swift.Result {
        try await body(TestServer(http: http, eventLoop: eventLoop, address: address))
    }
    try? await http.shutDown(grace: .zero).get()
    return try result.get()
}

extension Swift.Result where Failure == any Error {
    /// What `body` returns or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

/// Serves with a closure, while `body` runs.
package func withServer<Result>(
    limits: HTTPLimits = HTTPLimits(), answering: @escaping @Sendable (HTTPExchange) -> Void,
    _ body: (TestServer) async throws -> Result
) async throws -> Result {
    try await withServer(limits: limits, makeHandler: { _ in HTTPClosureHandler(answering) }, body)
}
