import SandboxContext
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue {
        try Array(text.utf8).withUnsafeBytes { try JSONValue($0) }
    }

    private func parse(_ bytes: [UInt8]) throws -> JSONValue {
        try bytes.withUnsafeBytes { try JSONValue($0) }
    }

    @Test func `every kind of value is read`() throws {
        let value = try self.parse(
            " { \"a\" : [ 1 , -0.5e+10 , true , false , null ] , \"b\" : { } , \"c\":\"d\",\"e\":[]}\r\n\t")
        #expect(
            value
                == .object([
                    .init(
                        "a",
                        .array([.number("1"), .number("-0.5e+10"), .boolean(true), .boolean(false), .null])),
                    .init("b", .object([])), .init("c", .string("d")), .init("e", .array([])),
                ]))
        #expect(value["c"]?.string == "d")
        #expect(value["x"] == nil && value["c"]?["d"] == nil)
        #expect(value.text == "{\"a\":[1,-0.5e+10,true,false,null],\"b\":{},\"c\":\"d\",\"e\":[]}")
    }

    @Test(arguments: [
        ("\"\"", "", true), ("\"a/b\"", "a/b", true), ("\"\u{7f}ü\u{1F600}\"", "\u{7f}ü\u{1F600}", true),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t", false), (#""\u0041\u00FC\u20ac""#, "Aü€", false),
        (#""\ud83d\ude00""#, "\u{1F600}", false), (#""\ud83d""#, "\u{FFFD}", false),
        (#""\ud83dx""#, "\u{FFFD}x", false), (#""\ud83d\u0041""#, "\u{FFFD}A", false),
        (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}", false),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}", false),
        (#""\u0000""#, "\u{0}", false), (#""\ud83d\n""#, "\u{FFFD}\n", false),
    ])
    func `strings are read with their escapes`(_ json: String, _ text: String, _ isVerbatim: Bool) throws {
        #expect(try self.parse(json) == .string(text, isVerbatim: isVerbatim))
    }

    @Test func `what is not UTF-8 is replaced`() throws {
        let quote = UInt8(ascii: "\"")
        #expect(try self.parse([quote, 0xFF, 0x41, quote]).string == "\u{FFFD}A")
        #expect(try self.parse([quote, 0xC3, quote]).string == "\u{FFFD}")
    }

    @Test func `of a repeated name the last counts`() throws {
        #expect(try self.parse(#"{"a":1,"b":2,"a":3}"#)["a"] == .number("3"))
    }

    @Test(arguments: [
        "{\"a\":1,}", "[1,]", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":}", "{,}", "[,]", "01", "-", "+1",
        ".5",
        "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "True", "nulll", "\"\n\"", "\"\u{0}\"",
        "\"\\x41\"", "\"\\u12g4\"", "\"\\u 123\"", "\"\\'\"", "// a\n1", "/**/1", "1 2", "{} {}", "[1}", "{]",
        "\u{FEFF}1", "\u{A0}1", "\"a\" x", "[1 2]", "\"\\u+123\"",
    ])
    func `everything else is an error`(_ json: String) {
        #expect(throws: JSONProblem.self) { try self.parse(json) }
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "{\"a\"", "{\"a\":", "{\"a\":1", "[1,", "\"\\", "\"\\u00", "t", "-",
    ])
    func `an end that comes too early is told from a wrong byte`(_ json: String) {
        #expect(throws: JSONProblem.unexpectedEnd) { try self.parse(json) }
    }

    @Test func `a wrong byte is told by its place`() {
        #expect(throws: JSONProblem.unexpectedByte(offset: 4)) { try self.parse("[1, ]") }
    }

    @Test func `depth has a limit, however it is written`() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        }
        _ = try self.parse(nested(256, "[", "]"))
        _ = try self.parse(nested(256, "{\"a\":", "}"))
        #expect(throws: JSONProblem.tooDeep) { try self.parse(nested(257, "[", "]")) }
        #expect(throws: JSONProblem.tooDeep) { try self.parse(nested(257, "{\"a\":", "}")) }
        #expect(throws: JSONProblem.tooDeep) { try self.parse(String(repeating: "[", count: 1_000_000)) }
    }
}
