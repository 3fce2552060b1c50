import NIOHTTP1
import Testing

@testable import FileTransfer

@Suite struct PreconditionsTests {
    private static let modified = 784_111_777
    private static let then = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"

    @Test(arguments: [
        ([], Preconditions.passed(range: nil)),
        ([("If-Modified-Since", then)], .notModified),
        ([("If-Modified-Since", before)], .passed(range: nil)),
        ([("If-Modified-Since", "nonsense")], .passed(range: nil)),
        ([("If-None-Match", "*")], .notModified),
        ([("If-None-Match", "\"x\""), ("If-Modified-Since", then)], .passed(range: nil)),
        ([("If-Match", "\"x\"")], .failed), ([("If-Match", "*")], .passed(range: nil)),
        ([("If-Unmodified-Since", before)], .failed), ([("If-Unmodified-Since", then)], .passed(range: nil)),
        ([("If-Match", "*"), ("If-Unmodified-Since", before)], .passed(range: nil)),
        ([("Range", "bytes=0-1")], .passed(range: "bytes=0-1")),
        ([("Range", "bytes=0-1"), ("If-Range", then)], .passed(range: "bytes=0-1")),
        ([("Range", "bytes=0-1"), ("If-Range", before)], .passed(range: nil)),
        ([("Range", "bytes=0-1"), ("If-Range", "\"x\"")], .passed(range: nil)),
        ([("Range", "bytes=0-1"), ("If-Modified-Since", then)], .notModified),
    ])
    func `are decided by the time of the last change`(headers: [(String, String)], outcome: Preconditions) {
        #expect(Preconditions(HTTPHeaders(headers), modified: Self.modified) == outcome)
    }

    @Test func `of a file without a time are ignored`() {
        #expect(Preconditions(["If-Modified-Since": Self.then], modified: nil) == .passed(range: nil))
        #expect(Preconditions(["If-Unmodified-Since": Self.before], modified: nil) == .passed(range: nil))
        #expect(
            Preconditions(["Range": "bytes=0-1", "If-Range": Self.then], modified: nil) == .passed(range: nil)
        )
    }
}
