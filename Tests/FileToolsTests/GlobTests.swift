import Testing

@testable import FileTools

@Suite struct GlobTests {
    private func matches(_ glob: String, _ text: String) throws -> Bool {
        var matcher = try PatternMatcher(try GlobParser.parse(Array(glob.utf8), hasBraces: true), .whole)
        return matcher.matches(Array(text.utf8))
    }

    @Test(arguments: [
        ("*.c", "a.c", true), ("*.c", "a.cc", false), ("*.c", "d/a.c", false), ("?", "é", true),
        ("?", "/", false),
        ("a?c", "abc", true), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[^a-c]x", "dx", true),
        ("[]]", "]", true), ("[", "[", true), ("[a", "[a", true), ("\\*", "*", true), ("\\*", "a", false),
        ("**/a", "a", true), ("**/a", "b/c/a", true), ("**/a", "ba", false), ("a/**", "a/b/c", true),
        ("a/**", "a", false), ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "axb", false),
        ("**", "a/b", true), ("a**b", "a/b", false), ("*.{c,h}", "x.h", true), ("*.{c,h}", "x.o", false),
        ("{a,b}/{c,d}", "b/c", true), ("{a,{b,c}d}", "cd", true), ("{}", "", true), ("{a", "{a", true),
        ("[а-я]*", "слово", true), ("src/*.c", "src/a.c", true), ("*", "new\nline", true),
        ("[[:alpha:]_]", "b", true), ("[[:alpha:]_]", "_", true), ("[[:alpha:]]", "1", false),
        ("[![:space:]]", " ", false), ("[[:alpha:]", "a]", false), ("[[:no:]]", "n", false),
        ("[:a]", ":", true),
        ("***/a", "b/c/a", true), ("***", "a/b", true),
    ])
    func `A glob matches what it means`(glob: String, text: String, isMatch: Bool) throws {
        #expect(try self.matches(glob, text) == isMatch, "\(glob) of \(text)")
    }

    @Test func `Names need not be UTF-8`() throws {
        var matcher = try PatternMatcher(try GlobParser.parse(Array("*.c".utf8), hasBraces: true), .whole)
        let isMatch = matcher.matches([0xFF, 0x80, 0x2E, 0x63])
        #expect(isMatch)
    }

    @Test func `What is no character may stand behind brackets`() throws {
        func matches(_ glob: [UInt8], _ name: [UInt8]) throws -> Bool {
            var matcher = try PatternMatcher(try GlobParser.parse(glob, hasBraces: true), .whole)
            return matcher.matches(name)
        }
        let glob = Array("[a-é]".utf8) + [0xFF, 0x2A]
        #expect(try matches(glob, [0x62, 0xFF, 0x80]))
        #expect(try !matches(glob, [0x62, 0x80]))
        // Brackets around what is none are no brackets.
        #expect(try matches([0x5B, 0xFF, 0x5D], [0x5B, 0xFF, 0x5D]))
    }

    @Test func `Many stars take no time`() throws {
        let glob = String(repeating: "*a", count: 100)
        #expect(try !self.matches(glob, String(repeating: "a", count: 4000) + "b"))
    }

    @Test func `Braces that stand for too many globs are refused`() {
        let glob = String(repeating: "{a,b}", count: 12)
        #expect(throws: PatternProblem.self) { try self.matches(glob, "a") }
        #expect(throws: ToolFailure.self) { try GlobList(Array(repeating: "a", count: 1000)) }
        #expect(throws: ToolFailure.self) {
            try GlobList(Array(repeating: String(repeating: "?", count: 900), count: 100))
        }
    }
}
