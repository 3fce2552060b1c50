import NIOCore
import NIOHTTP1

/// The time that a client gives a call.
enum RPCTimeout {
    /// The timeout in the protocol's own header; nil if the client set none.
    ///
    /// Zero means that the time is already over, and so do negative values.
    static func of(_ headers: HTTPHeaders, _ wire: WireProtocol) throws(ConnectError) -> TimeAmount? {
        switch wire {
        case .connectUnary, .connectStream:
            guard let text = headers.first(name: "connect-timeout-ms"), !text.isEmpty else { return nil }
            return try Self.connect(text)
        case .grpc, .grpcWeb, .grpcWebText:
            guard let text = headers.first(name: "grpc-timeout"), !text.isEmpty else { return nil }
            return try Self.grpc(text)
        }
    }

    /// `Connect-Timeout-Ms`: at most ten digits, in milliseconds.
    static func connect(_ text: String) throws(ConnectError) -> TimeAmount {
        let maxDigits = 10
        guard text.utf8.count <= maxDigits else {
            throw ConnectError(.invalidArgument, "parse timeout: \"\(text)\" has >10 digits")
        }
        guard let milliseconds = Int64(text) else {
            throw ConnectError(
                .invalidArgument,
                "parse timeout: strconv.ParseInt: parsing \"\(text)\": invalid syntax")
        }
        return .milliseconds(max(0, milliseconds))
    }

    /// `grpc-timeout`: at most eight digits and a unit, one of `HMSmun`.
    ///
    /// - SeeAlso: gRPC over HTTP/2, "Timeout".
    static func grpc(_ text: String) throws(ConnectError) -> TimeAmount? {
        let maxDigits = 8
        let digits = text.utf8.dropLast()
        guard (1...maxDigits).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let value = Int64(String(Substring(digits)))
        else { throw ConnectError(.invalidArgument, "parse timeout: invalid grpc-timeout \"\(text)\"") }
        switch text.utf8.last {
        // The longest of hours would overflow nanoseconds: as good as none.
        case UInt8(ascii: "H"): return value > 1_000_000 ? nil : .hours(value)
        case UInt8(ascii: "M"): return .minutes(value)
        case UInt8(ascii: "S"): return .seconds(value)
        case UInt8(ascii: "m"): return .milliseconds(value)
        case UInt8(ascii: "u"): return .microseconds(value)
        case UInt8(ascii: "n"): return .nanoseconds(value)
        default: throw ConnectError(.invalidArgument, "parse timeout: invalid grpc-timeout \"\(text)\"")
        }
    }
}
