import HTTPTransport
import NIOCore
public import SwiftProtobuf

/// Where a procedure sends its responses.
public struct ResponseWriter<Response: Message>: Sendable {
    private let call: Call

    init(_ call: Call) {
        self.call = call
    }

    /// Sends `message` at once, and returns when the client can take more.
    ///
    /// - Throws: `ConnectError` with `canceled` when the call is over.
    public func send(_ message: Response) async throws {
        let bytes = try self.call.codec.encodeResponse(message)
        try await self.call.onLoop { call throws(ConnectError) in try call.send(bytes) }
        await self.call.writable()
    }

    /// Sends the response's headers now, before there is a message.
    public func sendHeaders() async {
        await self.call.onLoop { $0.sendHead() }
    }

    /// Sends the messages of `source` until it is finished, as fast as the client takes them.
    ///
    /// - Throws: `ConnectError`: what the source failed with, or `canceled` when the call is over.
    public func drain(_ source: some MessageSource) async throws {
        let call = self.call
        // The pump calls back once: a checked continuation would cost more than the rest of this.
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            let start: @Sendable () -> Void = {
                MessagePump(call, source) { continuation.resume(with: $0) }.start()
            }
            if call.eventLoop.inEventLoop { start() } else { call.eventLoop.execute(start) }
        }
    }
}

extension Call {
    /// Runs `body` on the call's event loop.
    func onLoop<Result: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (Call) throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        if self.eventLoop.inEventLoop { return try body(self) }
        let result: Swift.Result<Result, Failure> = await withCheckedContinuation { continuation in
            self.eventLoop.execute {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body(self)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Returns when the client can take more, or the call is over.
    func writable() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            if self.eventLoop.inEventLoop {
                self.exchange.whenWritable { continuation.resume() }
            } else {
                self.eventLoop.execute { self.exchange.whenWritable { continuation.resume() } }
            }
        }
    }
}
