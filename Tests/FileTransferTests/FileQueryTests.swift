import SandboxContext
import Testing

@testable import FileTransfer

@Suite struct FileQueryTests {
    @Test func `are bound`() throws {
        let query = try FileQuery("path=%2Fa+b%2Bc&username=&signature=v1_x%2By&signature_expiration=12")
        #expect(query.path == Array("/a b+c".utf8))
        #expect(query.username == "")
        #expect(query.signature == "v1_x+y")
        #expect(query.expiration == 12)
    }

    @Test func `without parameters are fine, and malformed pairs are dropped`() throws {
        #expect(try FileQuery(nil) == FileQuery(""))
        #expect(try FileQuery("path=%zz&username=a;b&&=").path == nil)
        #expect(try FileQuery("path").path == [])
    }

    @Test func `need not be UTF-8`() throws {
        #expect(try FileQuery("path=/%FF").path == [0x2F, 0xFF])
    }

    @Test(arguments: [
        ("path=a&path=b", "path: multiple values for single value parameter 'path'"),
        ("username=a&path=1&username=a", "username: multiple values for single value parameter 'username'"),
        (
            "signature_expiration=x",
            "signature_expiration: error binding string parameter: strconv.ParseInt: parsing \"x\": invalid syntax"
        ),
        (
            "signature_expiration=99999999999999999999",
            "signature_expiration: error binding string parameter: strconv.ParseInt: "
                + "parsing \"99999999999999999999\": value out of range"
        ),
        (
            "signature_expiration=",
            "signature_expiration: error binding string parameter: strconv.ParseInt: parsing \"\": invalid syntax"
        ),
    ])
    func `that cannot be bound say why`(query: String, text: String) {
        let problem = #expect(throws: QueryParameterProblem.self) { try FileQuery(query) }
        #expect(problem?.message == "Invalid format for parameter \(text)\n")
    }
}
