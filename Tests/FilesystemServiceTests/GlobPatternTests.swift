import Testing

@testable import FilesystemService

@Suite struct GlobPatternTests {
    @Test(arguments: [
        ("a", "a"), ("*", "a"), ("*", ".hidden"), ("*.py", "x.py"), ("a/*", "a/b"), ("**", "a/b/c"),
        ("**", ""),
        ("**/a", "a"), ("**/a", "x/y/a"), ("a/**/b", "a/b"), ("a/**/b", "a/x/y/b"), ("a/**", "a/x/y"),
        ("?", "a"), ("a?c", "abc"), ("[a-c]", "b"), ("[!a-c]", "d"), ("[]]", "]"), ("[a-]", "-"),
        ("\\*", "*"),
        ("[", "["), ("[a", "[a"), ("é*", "éa"), ("**/*.tmp", "x/y.tmp"), ("**/*.tmp", ".tmp"),
        ("a**c", "a/b/c"), ("?", "é"), ("[à-ü]", "é"), ("[!a]", "\u{1F600}"), ("a?c", "a\u{1F600}c"),
    ])
    func `a pattern stands for a path`(_ pattern: String, _ path: String) {
        #expect(GlobPattern(pattern).matches(Array(path.utf8)))
    }

    @Test(arguments: [
        ("a", "b"), ("a", "ab"), ("a", ""), ("*", "a/b"), ("*.py", "d/x.py"), ("a/*", "a"), ("?", "/"),
        ("?", ""),
        ("**/a", "xa"), ("**/a", "x/ya"), ("a/**/b", "a/xb"), ("[a-c]", "d"), ("[!a-c]", "b"), ("[!a]", "/"),
        ("\\*", "a"), ("[a", "a"), ("a/**", "a"), ("**/*.tmp", "a.tmp/b"),
        ("??", "é"), ("[é]", "ê"), ("[!é]", "é"),
    ])
    func `a pattern does not stand for a path`(_ pattern: String, _ path: String) {
        #expect(!GlobPattern(pattern).matches(Array(path.utf8)))
    }

    @Test func `a byte that is no part of a character is one of its own`() {
        #expect(GlobPattern("a?b").matches(Array("a".utf8) + [0xFF] + Array("b".utf8)))
        #expect(GlobPattern("?" + "?").matches([0xC3, 0x28]))
        #expect(!GlobPattern("?").matches([0xFF, 0xFE]))
        #expect(!GlobPattern("\u{FFFD}").matches([0xFF]))
        #expect(GlobPattern("*").matches([0xE2, 0x82]))
    }

    @Test func `a pattern made to take long does not`() {
        let pattern = GlobPattern(String(repeating: "*a", count: 500) + "b")
        let path = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
        let start = ContinuousClock.now
        #expect(!pattern.matches(path))
        #expect(start.duration(to: .now) < .seconds(5))
    }
}
