import HTTPTransport
import SandboxContext
import Testing

@Suite struct QueryParametersTests {
    @Test(
        arguments: [
            (nil, nil), ("", nil), ("b=1", nil), ("a", ""), ("a=", ""), ("a=1", "1"), ("a=1=2", "1=2"),
            ("a=x+y%20z%2B", "x y z+"), ("%61=1", "1"), ("a=%zz", nil), ("a=%4", nil), ("a=1;b=2", nil),
            ("&&a=1&", "1"), ("a=%zz&a=1", "1"), ("a=%ff", "\u{fffd}"), ("A=1", nil), ("a=%C3%A9", "é"),
            ("b=2&a=\u{301}x", "\u{301}x"), ("\u{301}b=2&a=1&\u{301}c=3", "1"),
        ] as [(String?, String?)])
    func `a parameter's text`(_ query: String?, _ value: String?) throws {
        #expect(try QueryParameters(query).text("a") == value)
    }

    @Test(
        arguments: [
            ("a=0", 0), ("a=-5", -5), ("a=%2B7", 7), ("a=9223372036854775807", .max), ("b=1", nil),
        ] as [(String, Int64?)])
    func `a parameter's number`(_ query: String, _ value: Int64?) throws {
        #expect(try QueryParameters(query).integer("a") == value)
    }

    @Test(arguments: [
        ("a=", #"parsing "": invalid syntax"#), ("a=x", #"parsing "x": invalid syntax"#),
        ("a=1.5", #"parsing "1.5": invalid syntax"#), ("a=+1", #"parsing " 1": invalid syntax"#),
        ("a=1_0", #"parsing "1_0": invalid syntax"#), ("a=-", #"parsing "-": invalid syntax"#),
        ("a=%2B-1", #"parsing "+-1": invalid syntax"#),
        ("a=%22%0A%01", #"parsing "\"\n\x01": invalid syntax"#),
        ("a=9223372036854775808", #"parsing "9223372036854775808": value out of range"#),
        ("a=-9223372036854775809", #"parsing "-9223372036854775809": value out of range"#),
    ])
    func `what is no number is refused`(_ query: String, _ reason: String) {
        let problem = #expect(throws: QueryParameterProblem.self) {
            try QueryParameters(query).integer("a")
        }
        #expect(
            problem?.message
                == "Invalid format for parameter a: error binding string parameter: strconv.ParseInt: \(reason)\n"
        )
    }

    @Test func `a repeated parameter is refused`() {
        let problem = #expect(throws: QueryParameterProblem.self) {
            try QueryParameters("a=1&a=1").text("a")
        }
        #expect(
            problem?.message
                == "Invalid format for parameter a: multiple values for single value parameter 'a'\n")
    }
}
