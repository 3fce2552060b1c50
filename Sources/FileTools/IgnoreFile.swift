import Synchronization

/// What a .gitignore file says.
///
/// - SeeAlso: gitignore(5), "PATTERN FORMAT".
final class IgnoreFile: Sendable {
    private struct Rule: Sendable {
        var matcher: PatternMatcher
        var isNegated: Bool
        var isForDirectories: Bool
        /// Whether it is matched with the path from the file's directory on, and not with the name alone.
        var isAnchored: Bool
    }

    /// Bytes of a file that are read.
    static let maximumBytes = 256 << 10
    /// Rules of a file beyond which the rest is left out.
    static let maximumRules = 1000

    /// The last one first, which is the one that counts.
    private let rules: Mutex<[Rule]>
    let count: Int

    /// Reads a file's bytes. What is no pattern is left out, as git does, and a byte order mark.
    init(_ bytes: [UInt8]) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        let lines = text.split(separator: UInt8(ascii: "\n")).prefix(Self.maximumRules)
        let rules = lines.reversed().compactMap(Self.rule)
        self.rules = Mutex(rules)
        self.count = rules.count
    }

    private static func rule(_ line: ArraySlice<UInt8>) -> Rule? {
        var glob = line
        if glob.last == UInt8(ascii: "\r") { glob.removeLast() }
        if glob.first == UInt8(ascii: "#") { return nil }
        let isNegated = glob.first == UInt8(ascii: "!")
        if isNegated { glob.removeFirst() }
        glob = Self.withoutTrailingSpaces(glob)
        let isForDirectories = glob.last == UInt8(ascii: "/")
        if isForDirectories { glob.removeLast() }
        let isAnchored = glob.contains(UInt8(ascii: "/"))
        if glob.first == UInt8(ascii: "/") { glob.removeFirst() }
        guard !glob.isEmpty,
            let node = try? GlobParser.parse(Array(glob), hasBraces: false),
            let matcher = try? PatternMatcher(node, .whole)
        else { return nil }
        return Rule(
            matcher: matcher, isNegated: isNegated, isForDirectories: isForDirectories, isAnchored: isAnchored
        )
    }

    /// Spaces at the end count only behind a backslash.
    private static func withoutTrailingSpaces(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while line.last == UInt8(ascii: " ") {
            let before = line.dropLast().reversed().prefix { $0 == UInt8(ascii: "\\") }
            if before.count % 2 == 1 { break }
            line.removeLast()
        }
        return line
    }

    /// Whether an entry is excluded; nil if no rule is about it.
    ///
    /// - Parameter path: from the file's directory on.
    func excludes(
        name: ArraySlice<UInt8>, path: ArraySlice<UInt8>, isDirectory: Bool
    ) -> Bool? {
        self.rules.withLock { rules in
            for index in rules.indices {
                if rules[index].isForDirectories, !isDirectory { continue }
                let text = rules[index].isAnchored ? path : name
                if rules[index].matcher.matches(text) { return !rules[index].isNegated }
            }
            return nil
        }
    }
}
