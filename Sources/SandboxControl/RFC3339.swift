/// Points in time as text: `2026-11-23T07:19:44.123456789Z`.
///
/// - SeeAlso: RFC 3339, section 5.6.
enum RFC3339 {
    /// Nanoseconds since 1970; digits behind the ninth of a fraction are cut off.
    ///
    /// - Returns: nil if `text` is malformed, no date of the calendar, or before 1678 or after 2261, which 64 bits
    ///   cannot count.
    static func nanoseconds(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        guard let year = Self.number(&rest, 4), Self.take(&rest, "-"), let month = Self.number(&rest, 2),
            Self.take(&rest, "-"), let day = Self.number(&rest, 2), Self.take(&rest, "T"),
            let hour = Self.number(&rest, 2), Self.take(&rest, ":"), let minute = Self.number(&rest, 2),
            Self.take(&rest, ":"), let second = Self.number(&rest, 2), let fraction = Self.fraction(&rest),
            let offset = Self.offset(&rest), rest.isEmpty
        else { return nil }
        guard (1678...2261).contains(year), (1...12).contains(month), hour < 24, minute < 60, second < 60,
            day >= 1, day <= Self.days(month, year)
        else { return nil }
        let days = Self.daysSince1970(year, month, day)
        let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
        return seconds * 1_000_000_000 + fraction
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Exactly `count` digits.
    private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> Int64? {
        guard rest.count >= count else { return nil }
        var value: Int64 = 0
        for _ in 0..<count {
            let digit = rest.removeFirst() &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }

    /// Nanoseconds behind a full stop; 0 without one.
    private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard Self.take(&rest, ".") else { return 0 }
        var value: Int64 = 0
        var place: Int64 = 100_000_000
        var count = 0
        while let byte = rest.first, byte &- UInt8(ascii: "0") < 10 {
            value += Int64(byte - UInt8(ascii: "0")) * place
            place /= 10
            count += 1
            rest.removeFirst()
        }
        return count > 0 ? value : nil
    }

    /// Minutes that the time is ahead of UTC.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if Self.take(&rest, "Z") { return 0 }
        let sign: Int64
        if Self.take(&rest, "+") {
            sign = 1
        } else if Self.take(&rest, "-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = Self.number(&rest, 2), Self.take(&rest, ":"), let minutes = Self.number(&rest, 2),
            hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes)
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func days(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: Self.isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // Days before a year: 365 each, and the leap days since year 1.
        func daysBefore(_ year: Int64) -> Int64 {
            let past = year - 1
            return past * 365 + past / 4 - past / 100 + past / 400
        }
        let inYear = (1..<month).reduce(day - 1) { $0 + Self.days($1, year) }
        return daysBefore(year) - daysBefore(1970) + inYear
    }
}
