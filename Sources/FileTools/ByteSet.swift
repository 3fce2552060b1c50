/// A set of bytes.
struct ByteSet: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static let all = ByteSet(0...255)
    /// ASCII letters, digits and the underscore.
    static let word = ByteSet("0"..."9").union(ByteSet("A"..."Z")).union(ByteSet("a"..."z")).union(
        ByteSet("_"..."_"))

    init() {}

    init(_ range: ClosedRange<UInt8>) {
        for byte in range { self.insert(byte) }
    }

    private init(_ range: ClosedRange<Unicode.Scalar>) {
        self.init(UInt8(ascii: range.lowerBound)...UInt8(ascii: range.upperBound))
    }

    func contains(_ byte: UInt8) -> Bool {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return self.words.0 & bit != 0
        case 1: return self.words.1 & bit != 0
        case 2: return self.words.2 & bit != 0
        default: return self.words.3 & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: self.words.0 |= bit
        case 1: self.words.1 |= bit
        case 2: self.words.2 |= bit
        default: self.words.3 |= bit
        }
    }

    mutating func remove(_ byte: UInt8) {
        self = self.subtracting(ByteSet(byte...byte))
    }

    var isEmpty: Bool { self == ByteSet() }

    func union(_ other: ByteSet) -> ByteSet {
        var result = self
        result.words.0 |= other.words.0
        result.words.1 |= other.words.1
        result.words.2 |= other.words.2
        result.words.3 |= other.words.3
        return result
    }

    func subtracting(_ other: ByteSet) -> ByteSet {
        var result = self
        result.words.0 &= ~other.words.0
        result.words.1 &= ~other.words.1
        result.words.2 &= ~other.words.2
        result.words.3 &= ~other.words.3
        return result
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool {
        left.words == right.words
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.words.0)
        hasher.combine(self.words.1)
        hasher.combine(self.words.2)
        hasher.combine(self.words.3)
    }
}
