internal import Glibc

/// The `Date` header's value, formatted once a second.
///
/// - SeeAlso: RFC 9110, section 5.6.7, IMF-fixdate.
struct HTTPDate {
    private var second: time_t = -1
    private var text = ""

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The present time.
    mutating func now() -> String {
        let now = time(nil)
        if now != self.second {
            self.second = now
            self.text = Self.format(now)
        }
        return self.text
    }

    /// Formats seconds since the epoch.
    static func format(_ seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = "\(two(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(Self.days[Int(parts.tm_wday)]), \(date) \(time) GMT"
    }
}
