internal import Glibc
import Testing

@testable import FileTools

@Suite struct RegexTests {
    private func matches(_ expression: String, _ text: String, ignoringCase: Bool = false) throws -> Bool {
        var matcher = try PatternMatcher(
            try RegexParser.parse(expression, ignoringCase: ignoringCase), .anywhere)
        return matcher.matches(Array(text.utf8))
    }

    private func spans(_ expression: String, _ text: String) throws -> [Range<Int>] {
        var finder = SpanFinder(try PatternProgram(try RegexParser.parse(expression, ignoringCase: false)))
        return Array(text.utf8).withUnsafeBytes { finder.spans(in: $0, limit: 10) }
    }

    @Test(arguments: [
        ("a", "cab", true), ("a", "", false), ("", "", true), ("^$", "", true), ("^$", "x", false),
        ("^ab", "ab", true), ("^ab", "cab", false), ("ab$", "cab", true), ("ab$", "abc", false),
        ("a|b", "b", true), ("(ab)+c", "ababc", true), ("(?:ab){2}c", "abc", false), ("a{2,3}b", "aab", true),
        ("^a{2,3}$", "aaaa", false), ("^a{2,}$", "aaaa", true), ("a{,2}", "a{,2}", true),
        ("a.c", "aéc", true),
        ("^.$", "é", true), ("^..$", "é", false), ("^.$", "😀", true), ("[а-я]+", "слово", true),
        ("[а-я]", "Z", false), ("[^а-я]", "д", false), ("^[^a]$", "é", true), ("\\bfoo\\b", "a foo b", true),
        ("\\bfoo\\b", "afoo", false), ("\\Boo", "foo", true), ("\\d+\\s\\w", "12 x", true),
        ("\\D", "12", false),
        ("[[:alpha:]_]+[[:digit:]]", "a_1", true), ("[]a]", "]", true), ("[^]a]", "]", false),
        ("[a-]", "-", true), ("\\.", "a", false), ("\\.", ".", true), ("a*?b", "aab", true),
        ("\\x41\\x{e9}", "Aé", true), ("[\\d.]+$", "1.5", true), ("(a|)b", "b", true), ("x*", "y", true),
    ])
    func `An expression matches what it means`(expression: String, text: String, isMatch: Bool) throws {
        #expect(try self.matches(expression, text) == isMatch, "\(expression) in \(text)")
    }

    @Test(arguments: [
        "(", ")", "a)", "[", "[a", "*", "a**", "^*", "(?=a)", "(?<n>a)", "\\1", "\\", "\\n", "\\q", "a{2,1}",
        "a{1001}", "[b-a]", "[[:foo:]]", "\\x", "\\x{110000}", "((a{100}){100}){100}",
        String(repeating: "(", count: 100) + String(repeating: ")", count: 100),
        String(repeating: "a", count: 5000),
    ])
    func `What is no expression is refused`(expression: String) {
        #expect(throws: PatternProblem.self) { try self.matches(expression, "a") }
    }

    @Test func `Repeating nothing takes no time`() throws {
        #expect(try self.matches("((((){1000}){1000}){1000}){1000}a", "a"))
    }

    @Test func `Without case, ASCII letters match those of the other case`() throws {
        #expect(try self.matches("hello [a-f]", "HeLLo E", ignoringCase: true))
        #expect(try !self.matches("[^a]", "A", ignoringCase: true))
        var literal = try PatternMatcher(.literal("A.b".utf8, ignoringCase: true), .anywhere)
        let isFound = literal.matches(Array("xa.Bx".utf8))
        #expect(isFound)
        let isOtherFound = literal.matches(Array("xaxBx".utf8))
        #expect(!isOtherFound)
    }

    @Test func `Matches are the leftmost ones, and there the longest`() throws {
        #expect(try self.spans("a|ab|abc", "xabcabx") == [1..<4, 4..<6])
        #expect(try self.spans("b*", "abb") == [0..<0, 1..<3, 3..<3])
        #expect(try self.spans("\\bx", "x xx x") == [0..<1, 2..<3, 5..<6])
        #expect(try self.spans("é", "aéé") == [1..<3, 3..<5])
        #expect(try self.spans("aaab|ab", "aaaab") == [1..<5])
    }

    @Test func `What would take others for ever takes no time`() throws {
        let text = String(repeating: "a", count: 20_000)
        #expect(try !self.matches("(a*)*(a*)*(a|aa)+b", text))
        // More sets of places than are kept.
        let noise = (0..<20_000).map { $0 * $0 % 7 < 3 ? "a" : "b" }.joined()
        #expect(try self.matches("(a|b)*a(a|b){12}c", noise) == false)
    }

    /// Where the C library finds an extended regular expression.
    private static func reference(_ expression: String, _ text: String) throws -> Range<Int>? {
        var compiled = regex_t()
        try #require(regcomp(&compiled, expression, REG_EXTENDED) == 0)
        defer { regfree(&compiled) }
        var match = regmatch_t()
        guard regexec(&compiled, text, 1, &match, 0) == 0 else { return nil }
        return Int(match.rm_so)..<Int(match.rm_eo)
    }

    @Test func `Random expressions match what they match in the C library`() throws {
        var numbers = SystemRandomNumberGenerator()
        let pieces = [
            "a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab|a)", "a*", "b+", "(ab)*", "a?", "b{1,2}", "^", "$",
        ]
        var found = 0
        for _ in 0..<3000 {
            let count = Int.random(in: 1...4, using: &numbers)
            let expression = (0..<count).map { _ in pieces.randomElement(using: &numbers) ?? "a" }.joined()
            let text = (0..<Int.random(in: 0...8, using: &numbers))
                .map { _ in ["a", "b", "c"].randomElement(using: &numbers) ?? "a" }.joined()
            let expected = try Self.reference(expression, text)
            #expect(try self.matches(expression, text) == (expected != nil), "\(expression) in \(text)")
            let first = try self.spans(expression, text).first
            #expect(first == expected, "\(expression) in \(text)")
            if expected != nil { found += 1 }
        }
        #expect(found > 100)
    }
}
