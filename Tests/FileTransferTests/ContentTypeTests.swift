import Testing

@testable import FileTransfer

@Suite struct ContentTypeTests {
    @Test(arguments: [
        ("/a/b.txt", "text/plain; charset=utf-8"), ("b.HTML", "text/html; charset=utf-8"),
        ("x.tar.gz", "application/gzip"), ("page.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("/d.txt/none", nil), ("none", nil), (".png", "image/png"), ("a.", nil),
    ])
    func `by extension`(path: String, type: String?) {
        #expect(MediaTypeTable().type(of: path) == type)
    }

    @Test func `globs add, lists replace`() {
        var table = MediaTypeTable()
        table.add(
            globs:
                "# comment\n50:text/x-new:*.new\n50:text/x-other:*.txt\n50:x/y:*.[ab]\n50:x/y:Makefile\nbad\n"
        )
        #expect(table.type(of: "a.new") == "text/x-new; charset=utf-8")
        #expect(table.type(of: "a.txt") == "text/plain; charset=utf-8")
        table.add(list: "# comment\ntext/x-mine txt TXT2 # not.this\napplication/x-none\n")
        #expect(table.type(of: "a.txt") == "text/x-mine; charset=utf-8")
        #expect(table.type(of: "a.txt2") == "text/x-mine; charset=utf-8")
        #expect(table.type(of: "a.not.this") == nil)
    }

    @Test(arguments: [
        ("", "text/plain; charset=utf-8"), ("plain\n", "text/plain; charset=utf-8"),
        ("  \n<!doctype HTML>", "text/html; charset=utf-8"), ("<p>", "text/html; charset=utf-8"),
        ("<pre>", "text/plain; charset=utf-8"), ("<!-- x", "text/html; charset=utf-8"),
        (" <?xml version", "text/xml; charset=utf-8"), ("%PDF-1.4", "application/pdf"),
        ("PK\u{3}\u{4}..", "application/zip"),
        ("GIF89a..", "image/gif"), ("RIFF....WEBPVP8", "image/webp"), ("RIFF....WAVE", "audio/wave"),
        ("a\u{1}b", "application/octet-stream"),
        ("esc \u{1B}[0m", "text/plain; charset=utf-8"), ("wOF2", "font/woff2"),
    ])
    func `by the first bytes`(start: String, type: String) {
        #expect(ContentSniffer.type(of: start.utf8) == type)
    }

    @Test func `by the first bytes that are not text`() {
        #expect(ContentSniffer.type(of: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) == "image/png")
        #expect(ContentSniffer.type(of: [0xFF, 0xD8, 0xFF, 0xE0]) == "image/jpeg")
        #expect(ContentSniffer.type(of: [0x1F, 0x8B, 8, 0]) == "application/x-gzip")
        #expect(ContentSniffer.type(of: [0xFE, 0xFF, 0, 0x41]) == "text/plain; charset=utf-16be")
        #expect(ContentSniffer.type(of: [0xFF, 0xFE, 0x41, 0]) == "text/plain; charset=utf-16le")
        #expect(ContentSniffer.type(of: [0, 0, 0, 16] + "ftypmp42".utf8 + [0, 0, 0, 0]) == "video/mp4")
        let many = [UInt8](repeating: 0x41, count: ContentSniffer.bytes) + [0]
        #expect(ContentSniffer.type(of: many) == "text/plain; charset=utf-8")
    }
}
