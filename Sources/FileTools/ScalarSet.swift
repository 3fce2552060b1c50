/// A set of Unicode scalar values: what one element of an expression matches.
struct ScalarSet: Sendable, Hashable {
    static let maximum: UInt32 = 0x10FFFF

    /// Sorted, and neither overlapping nor adjacent.
    private(set) var ranges: [ClosedRange<UInt32>]

    static let digit = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    static let anything = ScalarSet([0...Self.maximum])

    init(_ ranges: [ClosedRange<UInt32>] = []) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound + 1 {
                let end = max(last.upperBound, range.upperBound)
                self.ranges[self.ranges.count - 1] = last.lowerBound...end
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalar: UInt32) {
        self.ranges = [scalar...scalar]
    }

    func union(_ other: ScalarSet) -> ScalarSet {
        ScalarSet(self.ranges + other.ranges)
    }

    var inverted: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in self.ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= Self.maximum { result.append(next...Self.maximum) }
        return ScalarSet(result)
    }

    func removing(_ scalar: UInt32) -> ScalarSet {
        self.inverted.union(ScalarSet(scalar)).inverted
    }

    /// With the other case of each ASCII letter.
    var ignoringCase: ScalarSet {
        var more: [ClosedRange<UInt32>] = []
        for range in self.ranges {
            for (letters, offset) in [(0x41...0x5A, 32), (0x61...0x7A, -32)] as [(ClosedRange<Int>, Int)] {
                let low = max(Int(range.lowerBound), letters.lowerBound)
                let high = min(Int(range.upperBound), letters.upperBound)
                if low <= high { more.append(UInt32(low + offset)...UInt32(high + offset)) }
            }
        }
        return more.isEmpty ? self : ScalarSet(self.ranges + more)
    }

    /// The ASCII characters of the set.
    var ascii: ByteSet {
        var bytes = ByteSet()
        for range in self.ranges where range.lowerBound < 0x80 {
            for scalar in range.lowerBound...min(range.upperBound, 0x7F) {
                bytes.insert(UInt8(truncatingIfNeeded: scalar))
            }
        }
        return bytes
    }

    /// The other characters, each way to write them in UTF-8 as a range for each byte.
    ///
    /// - SeeAlso: RFC 3629, section 3.
    var sequences: [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        for range in self.ranges where range.upperBound >= 0x80 {
            let low = max(range.lowerBound, 0x80)
            if low == 0x80, range.upperBound == Self.maximum { return Self.allSequences }
            Self.split(low, range.upperBound, into: &result)
        }
        return result
    }

    /// A little more than there is: no character is missing.
    private static let allSequences: [[ClosedRange<UInt8>]] = [
        [0xC2...0xDF, 0x80...0xBF], [0xE0...0xEF, 0x80...0xBF, 0x80...0xBF],
        [0xF0...0xF4, 0x80...0xBF, 0x80...0xBF, 0x80...0xBF],
    ]

    /// Splits a range until all its characters differ only where all bytes are possible.
    private static func split(_ low: UInt32, _ high: UInt32, into result: inout [[ClosedRange<UInt8>]]) {
        for last: UInt32 in [0x7FF, 0xFFFF] where low <= last && high > last {
            Self.split(low, last, into: &result)
            Self.split(last + 1, high, into: &result)
            return
        }
        for bits: UInt32 in [6, 12, 18] {
            let mask: UInt32 = (1 << bits) - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 {
                Self.split(low, low | mask, into: &result)
                Self.split((low | mask) + 1, high, into: &result)
                return
            }
            if high & mask != mask {
                Self.split(low, (high & ~mask) - 1, into: &result)
                Self.split(high & ~mask, high, into: &result)
                return
            }
        }
        result.append(zip(Self.encoded(low), Self.encoded(high)).map { $0...$1 })
    }

    /// The bytes of a character that is not ASCII.
    private static func encoded(_ scalar: UInt32) -> [UInt8] {
        func continuation(_ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: 0x80 | (scalar >> shift) & 0x3F)
        }
        if scalar <= 0x7FF { return [UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6), continuation(0)] }
        if scalar <= 0xFFFF {
            return [UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12), continuation(6), continuation(0)]
        }
        return [
            UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18), continuation(12), continuation(6),
            continuation(0),
        ]
    }
}
