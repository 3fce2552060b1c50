internal import Glibc

/// The `Date` header's value, formatted once a second; and the form of all dates in headers.
///
/// - SeeAlso: RFC 9110, section 5.6.7, IMF-fixdate.
package struct HTTPDate {
    private var second: time_t = -1
    private var text = ""

    static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let months = [
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
    package static func format(_ seconds: Int) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let year = String(Int(parts.tm_year) + 1900)
        let padding = String(repeating: "0", count: max(0, 4 - year.utf8.count))
        let date = "\(two(parts.tm_mday)) \(Self.months[Int(parts.tm_mon)]) \(padding)\(year)"
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(Self.days[Int(parts.tm_wday)]), \(date) \(time) GMT"
    }
}
