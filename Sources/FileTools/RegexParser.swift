/// Reads regular expressions, of which `proto/envd/v1/file_tools.proto` says what they may have.
struct RegexParser {
    /// Bytes of an expression.
    static let maximumBytes = 4096
    /// Parentheses within parentheses.
    static let maximumDepth = 64
    /// The largest number in braces.
    static let maximumCount = 1000

    private var rest: ArraySlice<Unicode.Scalar>
    private let ignoresCase: Bool
    private var depth = 0

    /// What `text` means in a line.
    static func parse(_ text: String, ignoringCase: Bool) throws(PatternProblem) -> PatternNode {
        guard text.utf8.count <= Self.maximumBytes else {
            throw PatternProblem("it has more than \(Self.maximumBytes) bytes")
        }
        var parser = RegexParser(rest: ArraySlice(text.unicodeScalars), ignoresCase: ignoringCase)
        let node = try parser.alternatives()
        guard parser.rest.isEmpty else { throw PatternProblem("a ) has no (") }
        return node
    }

    private init(rest: ArraySlice<Unicode.Scalar>, ignoresCase: Bool) {
        self.rest = rest
        self.ignoresCase = ignoresCase
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard self.rest.first == scalar else { return false }
        self.rest.removeFirst()
        return true
    }

    private mutating func alternatives() throws(PatternProblem) -> PatternNode {
        var all = [try self.sequence()]
        while self.take("|") { all.append(try self.sequence()) }
        return all.count == 1 ? all[0] : .alternatives(all)
    }

    private mutating func sequence() throws(PatternProblem) -> PatternNode {
        var all: [PatternNode] = []
        while let next = self.rest.first, next != "|", next != ")" {
            let element = try self.element()
            all.append(try self.repeated(element))
        }
        return all.count == 1 ? all[0] : .sequence(all)
    }

    /// `element` with the repetitions that follow it.
    private mutating func repeated(_ element: PatternNode) throws(PatternProblem) -> PatternNode {
        var node = element
        var isRepeated = false
        while let counts = try self.counts() {
            guard !isRepeated else { throw PatternProblem("a repetition is repeated") }
            if case .assertion = node { throw PatternProblem("a repetition has nothing to repeat") }
            isRepeated = true
            node = .repetition(node, atLeast: counts.least, atMost: counts.most)
            _ = self.take("?")
        }
        return node
    }

    private mutating func counts() throws(PatternProblem) -> (least: Int, most: Int?)? {
        if self.take("*") { return (0, nil) }
        if self.take("+") { return (1, nil) }
        if self.take("?") { return (0, 1) }
        // A brace that begins no count stands for itself.
        guard self.rest.first == "{", let end = self.rest.firstIndex(of: "}") else { return nil }
        let text = self.rest[self.rest.index(after: self.rest.startIndex)..<end]
        guard let first = text.first, "0"..."9" ~= first else { return nil }
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(
            Self.number)
        self.rest = self.rest[self.rest.index(after: end)...]
        guard let least = parts.first ?? nil, parts.count == 1 || parts[1] != nil || text.last == "," else {
            throw PatternProblem("a number in braces is none, or more than \(Self.maximumCount)")
        }
        let most = parts.count == 1 ? least : parts[1]
        if let most, most < least { throw PatternProblem("the numbers in braces are in the wrong order") }
        return (least, most)
    }

    private static func number(_ digits: ArraySlice<Unicode.Scalar>) -> Int? {
        guard !digits.isEmpty, digits.count <= 4, digits.allSatisfy({ "0"..."9" ~= $0 }) else { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1.value - 0x30) }
        return number <= Self.maximumCount ? number : nil
    }

    private mutating func element() throws(PatternProblem) -> PatternNode {
        guard let scalar = self.rest.popFirst() else { return .empty }
        switch scalar {
        case "(": return try self.group()
        case "[": return self.one(try self.bracket())
        case ".": return self.one(.anything)
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case "\\": return try self.escape()
        case "*", "+", "?": throw PatternProblem("a repetition has nothing to repeat")
        default: return self.one(ScalarSet(scalar.value))
        }
    }

    /// One character of `set`, which is never the end of a line.
    private func one(_ set: ScalarSet) -> PatternNode {
        .scalars((self.ignoresCase ? set.ignoringCase : set).removing(0x0A))
    }

    private mutating func group() throws(PatternProblem) -> PatternNode {
        if self.take("?"), !self.take(":") {
            throw PatternProblem("of groups that begin with (? there is only (?:")
        }
        self.depth += 1
        guard self.depth <= Self.maximumDepth else { throw PatternProblem("its parentheses are too deep") }
        let node = try self.alternatives()
        guard self.take(")") else { throw PatternProblem("a ( has no )") }
        self.depth -= 1
        return node
    }

    private mutating func escape() throws(PatternProblem) -> PatternNode {
        guard let scalar = self.rest.popFirst() else { throw PatternProblem("it ends with a \\") }
        switch scalar {
        case "b": return .assertion(.wordBoundary)
        case "B": return .assertion(.noWordBoundary)
        case "1"..."9": throw PatternProblem("there are no references back, like \\\(scalar)")
        default: return self.one(try self.escaped(scalar))
        }
    }

    /// What a backslash and `scalar` mean, in brackets too.
    private mutating func escaped(_ scalar: Unicode.Scalar) throws(PatternProblem) -> ScalarSet {
        switch scalar {
        case "d": return .digit
        case "D": return ScalarSet.digit.inverted
        case "w": return .word
        case "W": return ScalarSet.word.inverted
        case "s": return .space
        case "S": return ScalarSet.space.inverted
        case "t": return ScalarSet(0x09)
        case "r": return ScalarSet(0x0D)
        case "f": return ScalarSet(0x0C)
        case "v": return ScalarSet(0x0B)
        case "x": return ScalarSet(try self.hexadecimal())
        case "n": throw PatternProblem("\\n matches nothing: each line is searched by itself")
        case "a"..."z", "A"..."Z", "0"..."9": throw PatternProblem("\\\(scalar) means nothing")
        default: return ScalarSet(scalar.value)
        }
    }

    /// Two digits, or some in braces.
    private mutating func hexadecimal() throws(PatternProblem) -> UInt32 {
        let digits: ArraySlice<Unicode.Scalar>
        if self.take("{"), let end = self.rest.firstIndex(of: "}") {
            digits = self.rest[..<end]
            self.rest = self.rest[self.rest.index(after: end)...]
        } else {
            digits = self.rest.prefix(2)
            self.rest = self.rest.dropFirst(2)
        }
        guard (1...6).contains(digits.count),
            let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16),
            Unicode.Scalar(value) != nil
        else { throw PatternProblem("\\x is not followed by a character's number") }
        return value
    }

    // MARK: Brackets

    private static let classes: [String: ScalarSet] = [
        "alpha": ScalarSet([0x41...0x5A, 0x61...0x7A]), "digit": .digit, "space": .space, "word": .word,
        "alnum": ScalarSet([0x30...0x39, 0x41...0x5A, 0x61...0x7A]), "upper": ScalarSet([0x41...0x5A]),
        "lower": ScalarSet([0x61...0x7A]), "blank": ScalarSet([0x09...0x09, 0x20...0x20]),
        "punct": ScalarSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]),
        "cntrl": ScalarSet([0...0x1F, 0x7F...0x7F]), "print": ScalarSet([0x20...0x7E]),
        "graph": ScalarSet([0x21...0x7E]), "xdigit": ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66]),
    ]

    private mutating func bracket() throws(PatternProblem) -> ScalarSet {
        let isInverted = self.take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let scalar = self.rest.popFirst() {
            if scalar == "]", !isFirst {
                let set = ScalarSet(ranges)
                // Before it is turned round: [^a] without case has neither a nor A.
                guard isInverted else { return set }
                return (self.ignoresCase ? set.ignoringCase : set).inverted
            }
            isFirst = false
            let low = try self.bracketItem(scalar)
            guard self.rest.first == "-", let after = self.rest.dropFirst().first, after != "]" else {
                ranges += low.ranges
                continue
            }
            self.rest = self.rest.dropFirst(2)
            let high = try self.bracketItem(after)
            guard let from = low.single, let to = high.single, from <= to else {
                throw PatternProblem("a range in brackets has no first or no last character")
            }
            ranges.append(from...to)
        }
        throw PatternProblem("a [ has no ]")
    }

    private mutating func bracketItem(_ scalar: Unicode.Scalar) throws(PatternProblem) -> ScalarSet {
        if scalar == "\\" {
            guard let next = self.rest.popFirst() else { throw PatternProblem("it ends with a \\") }
            return next == "b" ? ScalarSet(0x08) : try self.escaped(next)
        }
        guard scalar == "[", self.take(":") else { return ScalarSet(scalar.value) }
        guard let colon = self.rest.firstIndex(of: ":"),
            let named = Self.classes[String(String.UnicodeScalarView(self.rest[..<colon]))]
        else { throw PatternProblem("there is no such class of characters in brackets") }
        self.rest = self.rest[self.rest.index(after: colon)...]
        guard self.take("]") else { throw PatternProblem("there is no such class of characters in brackets") }
        return named
    }
}

extension ScalarSet {
    /// The only character of the set.
    fileprivate var single: UInt32? {
        guard self.ranges.count == 1, let range = self.ranges.first, range.count == 1 else { return nil }
        return range.lowerBound
    }
}
