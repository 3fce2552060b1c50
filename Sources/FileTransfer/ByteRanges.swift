/// The parts of a file that a `Range` header asks for.
///
/// - SeeAlso: RFC 9110, section 14.
enum ByteRanges: Equatable {
    /// The whole file.
    case whole
    case parts([Range<Int>])
    /// All of it lies behind the file's end.
    case unsatisfiable
    case malformed

    /// Ranges of one request beyond which the header is ignored, as it may be.
    static let limit = 128

    /// Reads a header for a file of `size` bytes.
    init(_ header: String?, size: Int) {
        guard let header, !header.isEmpty else {
            self = .whole
            return
        }
        let unit = "bytes="
        guard header.hasPrefix(unit) else {
            self = .malformed
            return
        }
        var parts: [Range<Int>] = []
        var total = 0
        var liesBehind = false
        for item in header.dropFirst(unit.count).split(separator: ",") {
            let item = item.trimmed
            if item.isEmpty { continue }
            switch Self.part(item, size: size) {
            case .malformed:
                self = .malformed
                return
            case .behind:
                liesBehind = true
            case .part(let part):
                parts.append(part)
                total = total.addingClamping(part.count)
            }
        }
        if parts.isEmpty {
            self = liesBehind && size > 0 ? .unsatisfiable : .whole
        } else {
            self = total > size || parts.count > Self.limit ? .whole : .parts(parts)
        }
    }

    private enum Part {
        case part(Range<Int>)
        case behind
        case malformed
    }

    private static func part(_ text: Substring, size: Int) -> Part {
        guard let dash = text.firstIndex(of: "-") else { return .malformed }
        let first = text[..<dash].trimmed
        let last = text[text.index(after: dash)...].trimmed
        if first.isEmpty {
            guard let count = Self.number(last) else { return .malformed }
            // The last bytes of an empty file, or none of the last ones, are no range that there is.
            return min(count, size) == 0 ? .behind : .part(size - min(count, size)..<size)
        }
        guard let start = Self.number(first) else { return .malformed }
        if start >= size { return .behind }
        if last.isEmpty { return .part(start..<size) }
        guard let end = Self.number(last), end >= start else { return .malformed }
        return .part(start..<min(end, size - 1) + 1)
    }

    /// Decimal digits.
    private static func number(_ text: Substring) -> Int? {
        guard let number = Int(text), number >= 0, text.utf8.first != UInt8(ascii: "-") else { return nil }
        return number
    }
}

extension Int {
    fileprivate func addingClamping(_ other: Int) -> Int {
        let (sum, overflows) = self.addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
