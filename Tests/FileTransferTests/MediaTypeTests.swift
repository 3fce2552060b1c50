import Testing

@testable import FileTransfer

@Suite struct MediaTypeTests {
    @Test(arguments: [
        ("form-data; name=file; filename=a.txt", "a.txt"),
        ("form-data; name=\"file\"; filename=\"dir/my file.txt\"", "dir/my file.txt"),
        ("form-data;filename=\"a\\\"b\\\\c\"", "a\"b\\c"),
        ("form-data; filename=\"C:\\dev\\x\"", "C:\\dev\\x"),
        ("form-data; filename*=UTF-8''%e2%82%ac%20rates", "€ rates"),
        ("form-data; filename*0=\"first \"; filename*1=second", "first second"),
        ("form-data; filename*0*=utf-8''%41; filename*1=b; filename*2*=%43", "AbC"),
        ("form-data; filename=\"%22.txt\"", "%22.txt"), ("form-data; filename=\"\"", ""),
        ("FORM-DATA ; FileName = x ;", "x"), ("form-data; filename=\"ü.txt\"", "ü.txt"),
    ])
    func `are read`(header: String, name: String) throws {
        let type = try MediaType(header)
        #expect(type.name == "form-data")
        #expect(type.text("filename") == name)
    }

    @Test(arguments: [
        "form-data; filename", "form-data; filename=", "form-data; filename=\"open",
        "form-data filename=x; =y",
        "form-data; filename=a b", "form-data; filename=\"a\"b",
    ])
    func `that are malformed are refused`(header: String) {
        #expect(throws: MediaType.Problem.malformedParameter) { try MediaType(header) }
    }

    @Test func `that contradict each other are refused`() {
        #expect(throws: MediaType.Problem.duplicateParameter) { try MediaType("a/b; x=1; x=2") }
        #expect(throws: Never.self) { try MediaType("a/b; x=1; x=1") }
    }

    @Test func `in an unknown character set are left out`() throws {
        #expect(try MediaType("a; filename*=koi8-r''%41").text("filename") == nil)
    }
}
