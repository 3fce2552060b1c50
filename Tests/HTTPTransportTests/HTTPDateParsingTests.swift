import Testing

@testable import HTTPTransport

@Suite struct HTTPDateParsingTests {
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `are read in all their forms`(text: String) {
        #expect(HTTPDate.parse(text) == 784_111_777)
    }

    @Test(arguments: [0, 951_782_400, 1_790_000_000, 4_102_444_799])
    func `are read as they are written`(seconds: Int) {
        #expect(HTTPDate.parse(HTTPDate.format(seconds)) == seconds)
    }

    @Test(arguments: [
        "", "now", "0", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 99994 08:49:37 GMT",
        "\"etag\"", "Sun, -6 Nov 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
    ])
    func `that are none are refused`(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }
}
