import HTTPTransport
package import NIOCore

extension EventLoop {
    /// Starts asynchronous code on the loop, after what was started there before.
    package func start<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success
    ) -> Task<Success, any Error> {
        Task(executorPreference: EventLoopTaskExecutor(self), operation: body)
    }

    /// Runs asynchronous code on the loop.
    package func run<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success
    ) async throws -> Success {
        try await self.start(body).value
    }
}
