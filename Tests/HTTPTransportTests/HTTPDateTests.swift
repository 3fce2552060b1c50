import Testing

@testable import HTTPTransport

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
        (-62_135_596_799, "Mon, 01 Jan 0001 00:00:01 GMT"),
        (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"),
    ])
    func `a date is an IMF-fixdate`(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.format(seconds) == text)
    }

    @Test func `the present is formatted like any other time`() {
        var date = HTTPDate()
        let text = date.now()
        #expect(text.utf8.count == 29)
        #expect(text.hasSuffix(" GMT"))
        #expect(date.now().utf8.count == 29)
    }
}
