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
        guard let bytes = try await self.call.receive() else { return nil }
        return try self.call.codec.decodeRequest(Request.self, from: bytes)
    }
}
