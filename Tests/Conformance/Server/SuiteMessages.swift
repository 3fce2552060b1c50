import Connect
import NIOCore
import NIOHTTP1
import SwiftProtobuf

/// The types of conformance.proto.
enum SuiteMessages {
    /// Lets `Any` hold them in JSON, where its type must be known.
    static func registerForAny() {
        let types: [any Message.Type] = [
            SuiteServerCompatRequest.self, SuiteServerCompatResponse.self, SuiteTLSCreds.self,
            SuiteUnaryRequest.self, SuiteIdempotentUnaryRequest.self, SuiteClientStreamRequest.self,
            SuiteServerStreamRequest.self, SuiteBidiStreamRequest.self, SuiteUnaryResponse.self,
            SuiteIdempotentUnaryResponse.self, SuiteClientStreamResponse.self, SuiteServerStreamResponse.self,
            SuiteBidiStreamResponse.self, SuiteUnimplementedRequest.self, SuiteUnimplementedResponse.self,
            SuiteUnaryResponseDefinition.self, SuiteStreamResponseDefinition.self,
            SuiteConformancePayload.self,
            SuiteConformancePayload.RequestInfo.self, SuiteConformancePayload.ConnectGetInfo.self,
            SuiteError.self, SuiteHeader.self, SuiteRawHTTPResponse.self, SuiteMessageContents.self,
            SuiteStreamContents.self, SuiteStreamContents.StreamItem.self,
        ]
        for type in types { Google_Protobuf_Any.register(messageType: type) }
    }
}

extension SuiteConformancePayload.RequestInfo {
    /// What the server saw of a call with `requests`.
    init(_ context: RPCContext, _ requests: [any Message]) throws {
        self.init()
        self.requestHeaders = [SuiteHeader](context.requestHeaders.map { ($0.name, $0.value) })
        if let timeout = context.timeout { self.timeoutMs = timeout.nanoseconds / 1_000_000 }
        self.requests = try requests.map { try Google_Protobuf_Any(message: $0) }
        if !context.queryParameters.isEmpty {
            self.connectGetInfo.queryParams = [SuiteHeader](context.queryParameters)
        }
    }
}

extension [SuiteHeader] {
    /// `fields` with the values of each name together, in order.
    init(_ fields: [(name: String, value: String)]) {
        self = []
        var places: [String: Int] = [:]
        for (name, value) in fields {
            let key = name.lowercased()
            if let place = places[key] {
                self[place].value.append(value)
            } else {
                places[key] = self.count
                self.append(
                    .with {
                        $0.name = name
                        $0.value = [value]
                    })
            }
        }
    }
}

extension HTTPHeaders {
    /// Each name with all its values, in order.
    init(_ fields: [SuiteHeader]) {
        self.init(fields.flatMap { field in field.value.map { (field.name, $0) } })
    }
}

extension ConnectError {
    /// The error that was ordered, with `info` as one more detail.
    init(_ order: SuiteError, _ info: SuiteConformancePayload.RequestInfo?) throws {
        var details = order.details.map { detail in
            let type = detail.typeURL.split(separator: "/").last.map(String.init) ?? ""
            return ErrorDetail(type: type, value: Array(detail.value))
        }
        if let info { details.append(try ErrorDetail(info)) }
        self.init(Code(rawValue: order.code.rawValue) ?? .unknown, order.message, details: details)
    }
}
