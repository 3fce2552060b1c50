import NIOCore
public import SwiftProtobuf

/// The requests of a call, in order, as they arrive.
public struct RequestStream<Request: Message>: Sendable {
    private let call: Call

    init(_ call: Call) {
        self.call = call
    }

    /// The next request, or nil when the client has sent its last.
    ///
    /// - Throws: `ConnectError`, if what came is not a request, or the call is over.
    public func next() async throws(ConnectError) -> Request? {
        let call = self.call
        let bytes =
            if call.eventLoop.inEventLoop {
                try await call.receive()
            } else {
                // A task that the procedure started by itself does not inherit the call's executor.
                try await withTaskExecutorPreference(call.executor) { () async throws(ConnectError) in
                    try await call.receive()
                }
            }
        guard let bytes else { return nil }
        return try self.call.codec.decodeRequest(Request.self, from: bytes)
    }
}
