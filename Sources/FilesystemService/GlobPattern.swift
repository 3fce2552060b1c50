/// A pattern for paths: `*` and `?` stand for characters of a name, `**` for any, slashes included, `[a-z]` for one
/// character of these and `[!a-z]` for one of the others; `\` takes the next one as it is. `**/` also stands for
/// nothing. A byte that is no part of a character in UTF-8 is a character of its own.
///
/// Matching takes time in proportion to the pattern's length and the path's, whatever they are.
struct GlobPattern: Sendable, Equatable {
    private enum Token: Sendable, Equatable {
        case character(UInt32)
        case oneOf([ClosedRange<UInt32>], isNegated: Bool)
        case anyCharacter
        case anyOfName
        case anything
        /// Any number of whole names, each with its slash.
        case anyDirectories
    }

    private var tokens: [Token] = []

    private static let slash = Self.number("/")

    private static func number(_ character: Unicode.Scalar) -> UInt32 { character.value }

    /// The characters of a path, as their numbers in Unicode. Bytes that are no part of one come behind all of these.
    private static func characters(_ bytes: [UInt8]) -> [UInt32] {
        var characters: [UInt32] = []
        characters.reserveCapacity(bytes.count)
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var position = 0
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let encoded):
                characters.append(Unicode.UTF8.decode(encoded).value)
                position += encoded.count
            case .error(let length):
                for byte in bytes[position..<position + length] {
                    characters.append(Self.behindUnicode + UInt32(byte))
                }
                position += length
            case .emptyInput: return characters
            }
        }
    }

    private static let behindUnicode: UInt32 = 0x11_0000

    /// The pattern that a text means. Any text means one: a bracket that is not closed is a bracket.
    init(_ text: String) {
        var rest = text.unicodeScalars.map(\.value)[...]
        while let character = rest.popFirst() {
            switch character {
            case Self.number("*"):
                guard rest.first == Self.number("*") else {
                    self.tokens.append(.anyOfName)
                    continue
                }
                rest = rest.drop { $0 == Self.number("*") }
                let beginsName = self.tokens.isEmpty || self.tokens.last == .character(Self.slash)
                if beginsName, rest.first == Self.slash {
                    rest.removeFirst()
                    self.tokens.append(.anyDirectories)
                } else {
                    self.tokens.append(.anything)
                }
            case Self.number("?"): self.tokens.append(.anyCharacter)
            case Self.number("["): self.tokens.append(Self.bracket(&rest) ?? .character(character))
            case Self.number("\\"): self.tokens.append(.character(rest.popFirst() ?? character))
            default: self.tokens.append(.character(character))
            }
        }
    }

    /// What is between brackets, if they are closed; the first is taken already.
    private static func bracket(_ rest: inout ArraySlice<UInt32>) -> Token? {
        var inner = rest
        let isNegated = inner.first == Self.number("!") || inner.first == Self.number("^")
        if isNegated { inner.removeFirst() }
        var ranges: [ClosedRange<UInt32>] = []
        while let low = inner.popFirst() {
            if low == Self.number("]"), !ranges.isEmpty {
                rest = inner
                return .oneOf(ranges, isNegated: isNegated)
            }
            if inner.first == Self.number("-"), let high = inner.dropFirst().first, high != Self.number("]") {
                inner = inner.dropFirst(2)
                ranges.append(min(low, high)...max(low, high))
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }

    /// Whether the pattern stands for all of `path`.
    func matches(_ path: [UInt8]) -> Bool {
        // The places in the pattern where the path so far may have led.
        var places = [Bool](repeating: false, count: self.tokens.count + 1)
        var next = places
        places[0] = true
        self.skipEmpty(&places, isAtNameStart: true)
        for character in Self.characters(path) {
            var isPossible = false
            for place in next.indices { next[place] = false }
            for (place, token) in self.tokens.enumerated() where places[place] {
                guard let target = Self.target(token, place, character) else { continue }
                next[target] = true
                isPossible = true
            }
            guard isPossible else { return false }
            self.skipEmpty(&next, isAtNameStart: character == Self.slash)
            swap(&places, &next)
        }
        return places[self.tokens.count]
    }

    /// Where a character leads from a token; nil if the token does not stand for it.
    private static func target(_ token: Token, _ place: Int, _ character: UInt32) -> Int? {
        switch token {
        case .character(let wanted): character == wanted ? place + 1 : nil
        case .oneOf(let ranges, let isNegated):
            character != Self.slash && ranges.contains { $0.contains(character) } != isNegated
                ? place + 1 : nil
        case .anyCharacter: character != Self.slash ? place + 1 : nil
        case .anyOfName: character != Self.slash ? place : nil
        case .anything, .anyDirectories: place
        }
    }

    /// Goes past what may stand for nothing.
    private func skipEmpty(_ places: inout [Bool], isAtNameStart: Bool) {
        for (place, token) in self.tokens.enumerated() where places[place] {
            switch token {
            case .anyOfName, .anything: places[place + 1] = true
            case .anyDirectories: if isAtNameStart { places[place + 1] = true }
            case .character, .oneOf, .anyCharacter: break
            }
        }
    }
}
