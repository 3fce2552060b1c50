package import NIOCore
package import NIOHTTP1

/// How long a stream of events may be silent.
package enum KeepaliveInterval {
    /// Seconds, when the client does not say.
    private static let standard: Int64 = 90
    /// Seconds at most: about three years, far from where a deadline would overflow.
    private static let longest: Int64 = 100_000_000

    /// The `Keepalive-Ping-Interval` header in seconds; what is absent, not a number or not positive means the
    /// default.
    package static func of(_ headers: HTTPHeaders) -> TimeAmount {
        guard let text = headers.first(name: "keepalive-ping-interval"), let seconds = Int64(text),
            seconds > 0
        else { return .seconds(Self.standard) }
        return .seconds(min(seconds, Self.longest))
    }
}
