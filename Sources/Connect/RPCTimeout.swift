import NIOCore
import NIOHTTP1

/// The time that a client gives a call.
enum RPCTimeout {
    private static let maxDigits = 10

    /// The value of `Connect-Timeout-Ms`: at most ten digits, in milliseconds; nil if absent.
    ///
    /// Zero and negative values mean that the time is already over.
    static func connect(_ headers: HTTPHeaders) throws(ConnectError) -> TimeAmount? {
        guard let text = headers.first(name: "connect-timeout-ms"), !text.isEmpty else { return nil }
        guard text.utf8.count <= Self.maxDigits else {
            throw ConnectError(.invalidArgument, "parse timeout: \"\(text)\" has >10 digits")
        }
        guard let milliseconds = Int64(text) else {
            throw ConnectError(
                .invalidArgument,
                "parse timeout: strconv.ParseInt: parsing \"\(text)\": invalid syntax")
        }
        return .milliseconds(milliseconds)
    }
}
