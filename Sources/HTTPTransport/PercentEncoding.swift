/// Percent-encoding of URLs and header parameters.
///
/// - SeeAlso: RFC 3986, section 2.1; WHATWG URL, "application/x-www-form-urlencoded parsing".
package enum PercentEncoding {
    /// `text` without percent-encoding; nil if it is malformed.
    ///
    /// - Parameter plusIsSpace: as in forms and queries.
    package static func decode(_ text: Substring, plusIsSpace: Bool) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst(), let low = rest.popFirst(), let byte = Self.byte(high, low)
                else { return nil }
                bytes.append(byte)
            default:
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// What two hexadecimal digits stand for; nil if they are none.
    package static func byte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = Self.digit(high), let low = Self.digit(low) else { return nil }
        return high << 4 | low
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// `%` and two upper-case hexadecimal digits.
    package static func encode(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
    }
}
