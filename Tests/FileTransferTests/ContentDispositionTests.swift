import Testing

@testable import FileTransfer

@Suite struct ContentDispositionTests {
    @Test(arguments: [
        ("test.txt", "filename=test.txt"), ("slides.pptx", "filename=slides.pptx"),
        ("a.tar.gz", "filename=a.tar.gz"), (".env", "filename=.env"), (".gitignore", "filename=.gitignore"),
        ("my document.pdf", "filename=\"my document.pdf\""),
        ("file\"name.txt", "filename=\"file\\\"name.txt\""),
        ("back\\slash", "filename=\"back\\\\slash\""),
        ("文档.pdf", "filename*=utf-8''%E6%96%87%E6%A1%A3.pdf"), ("new\nline", "filename*=utf-8''new%0Aline"),
        ("ü (1)*.txt", "filename*=utf-8''%C3%BC%20%281%29%2A.txt"), ("tab\tbed", "filename=\"tab\tbed\""),
        ("", "filename=\"\""),
    ])
    func `has the name`(name: String, parameter: String) {
        #expect(ContentDisposition.inline(name) == "inline; " + parameter)
    }
}
