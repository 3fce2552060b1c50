internal import Glibc

extension HTTPDate {
    /// Reads a date in any of the three forms that HTTP has had:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    ///
    /// - Returns: seconds since the epoch; nil if it is in none of them.
    package static func parse(_ text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "," }
        guard let day = words.first, Self.days.contains(String(day.prefix(3))) else { return nil }
        switch (words.count, words.last) {
        case (6, "GMT"):
            return Self.seconds(day: words[1], month: words[2], year: words[3], time: words[4])
        case (4, "GMT"):
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
            guard date.count == 3 else { return nil }
            return Self.seconds(day: date[0], month: date[1], year: date[2], time: words[2])
        case (5, _):
            return Self.seconds(day: words[2], month: words[1], year: words[4], time: words[3])
        default:
            return nil
        }
    }

    private static func seconds(
        day: Substring, month: Substring, year: Substring, time: Substring
    ) -> Int? {
        let clock = time.split(separator: ":").map { Self.number($0) }
        guard let day = Self.number(day), (1...31).contains(day),
            let month = Self.months.firstIndex(of: String(month)),
            var full = Self.number(year), clock.count == 3,
            let hour = clock[0], let minute = clock[1], let second = clock[2],
            hour < 24, minute < 60, second < 61
        else { return nil }
        switch year.utf8.count {
        // Two digits of RFC 850: the pivot that Unix has.
        case 2: full += full < 69 ? 2000 : 1900
        case 4: break
        default: return nil
        }
        var parts = tm()
        parts.tm_sec = CInt(second)
        parts.tm_min = CInt(minute)
        parts.tm_hour = CInt(hour)
        parts.tm_mday = CInt(day)
        parts.tm_mon = CInt(month)
        parts.tm_year = CInt(full - 1900)
        return timegm(&parts)
    }

    /// One to four decimal digits.
    private static func number(_ text: Substring) -> Int? {
        guard (1...4).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }
}
