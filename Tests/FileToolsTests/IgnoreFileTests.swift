import Testing

@testable import FileTools

@Suite struct IgnoreFileTests {
    private func excludes(_ file: String, _ path: String, isDirectory: Bool = false) -> Bool? {
        let bytes = Array(path.utf8)
        let name = bytes.split(separator: UInt8(ascii: "/")).last ?? []
        return IgnoreFile(Array(file.utf8)).excludes(name: name, path: bytes[...], isDirectory: isDirectory)
    }

    @Test(
        arguments: [
            ("*.o", "a.o", true), ("*.o", "d/a.o", true), ("/a", "a", true), ("/a", "d/a", nil),
            ("d/a", "d/a", true), ("d/a", "e/d/a", nil), ("**/d/a", "e/d/a", true), ("a/**", "a/b", true),
            ("*.o\n!b.o", "b.o", false), ("!b.o\n*.o", "b.o", true), ("# c", "# c", nil),
            ("\\#c", "#c", true),
            ("\\!c", "!c", true), ("a  ", "a", true), ("a\\ ", "a ", true), ("a\r\n", "a", true),
            ("", "a", nil),
            ("\n\n", "a", nil), ("/", "a", nil), ("{a,b}", "a", nil), ("a[", "a[", true),
            ("[ab].c", "b.c", true),
            ("foo/*", "foo/a", true), ("foo/*", "foo/a/b", nil), ("a/**/b", "a/x/y/b", true),
        ] as [(String, String, Bool?)])
    func `A file's rules say what gitignore(5) says`(file: String, path: String, verdict: Bool?) {
        #expect(self.excludes(file, path) == verdict, "\(file) of \(path)")
    }

    @Test func `A slash at the end means directories`() {
        #expect(self.excludes("build/", "build", isDirectory: true) == true)
        #expect(self.excludes("build/", "build") == nil)
        #expect(self.excludes("build/", "x/build", isDirectory: true) == true)
        #expect(self.excludes("/build/", "x/build", isDirectory: true) == nil)
    }

    @Test func `A file has a limited number of rules`() {
        let many = IgnoreFile(Array(String(repeating: "a\n", count: 5000).utf8))
        #expect(many.count == IgnoreFile.maximumRules)
    }
}
