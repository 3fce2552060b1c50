import Connect
import NIOHTTP1
import SwiftProtobuf

/// The responses of one stream, as they were ordered.
struct StreamAnswer {
    private let order: SuiteStreamResponseDefinition
    private var sent = 0
    /// What the next response, or the error instead of the first, tells of the request.
    private var info: SuiteConformancePayload.RequestInfo?

    /// Sets the headers and trailers of the response, too.
    init(_ order: SuiteStreamResponseDefinition, _ context: RPCContext, _ requests: [any Message]) throws {
        self.order = order
        self.info = try SuiteConformancePayload.RequestInfo(context, requests)
        context.response.headers = HTTPHeaders(order.responseHeaders)
        context.response.trailers = HTTPHeaders(order.responseTrailers)
    }

    /// Time before each response.
    var delayMilliseconds: UInt32 { self.order.responseDelayMs }
    var hasNext: Bool { self.sent < self.order.responseData.count }

    /// Notes a request that came after the first response: the next one tells it.
    mutating func received(_ request: any Message) throws {
        self.info = try .with { $0.requests = [try Google_Protobuf_Any(message: request)] }
    }

    mutating func next() -> SuiteConformancePayload? {
        guard self.hasNext else { return nil }
        defer {
            self.sent += 1
            self.info = nil
        }
        return .with {
            $0.data = self.order.responseData[self.sent]
            if let info = self.info { $0.requestInfo = info }
        }
    }

    /// Ends the stream after its last response.
    ///
    /// - Throws: the error that was ordered.
    func finish() throws {
        guard self.order.hasError else { return }
        throw try ConnectError(self.order.error, self.sent == 0 ? self.info : nil)
    }
}
