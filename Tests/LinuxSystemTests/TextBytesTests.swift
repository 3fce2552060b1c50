import LinuxSystem
import Testing

@Suite struct TextBytesTests {
    @Test(arguments: [
        ("a/b", ["a", "b"]), ("//a//", ["a"]), ("", []),
        ("a/\u{301}b/\u{200D}", ["a", "\u{301}b", "\u{200D}"]),
        ("a\u{600}/b", ["a\u{600}", "b"]), ("é/日本", ["é", "日本"]),
    ])
    func `text is divided at bytes`(_ text: String, _ parts: [String]) {
        #expect(text.parts(between: "/").map(String.init) == parts)
    }

    @Test func `a line ends with a newline, whatever is around it`() {
        #expect(
            "a\r\nb\n\n\u{301}c".parts(between: "\n").map { Array($0.utf8) }
                == ["a\r", "b", "\u{301}c"].map { Array($0.utf8) })
        #expect("a  b".parts(between: " ", keepsEmpty: true) == ["a", "", "b"])
        #expect("a b c".parts(between: " ", most: 1) == ["a", "b c"])
    }

    @Test func `a prefix and an end are bytes`() {
        #expect("refs/heads/\u{301}x".without(prefix: "refs/heads/") == "\u{301}x")
        #expect("refs/heads".without(prefix: "refs/heads/") == nil)
        #expect("e\u{301}x".without(prefix: "é") == nil)
        #expect("d\u{600}/".ends(with: "/"))
        #expect(!"/d".ends(with: "/") && !"".ends(with: "/"))
        #expect(!"é".hasBytes(of: "e\u{301}"))
        #expect("é".hasBytes(of: "é"))
    }
}
