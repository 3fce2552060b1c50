import Testing

@testable import HTTPTransport

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/", nil),
        ("/a/b", "/a/b", nil),
        ("/a?", "/a", ""),
        ("/a?b=c?d", "/a", "b=c?d"),
        ("/a%2Fb//c/", "/a%2Fb//c/", nil),
        ("//host/a", "//host/a", nil),
        ("/a?u=http://host/b", "/a", "u=http://host/b"),
        ("http://host/a?b", "/a", "b"),
        ("http://host:1234/", "/", nil),
        ("http://host", "/", nil),
        ("http://host?a=b", "/", "a=b"),
        ("*", "*", nil),
        ("", "", nil),
    ])
    func `a request target is split into path and query`(_ target: String, _ path: String, _ query: String?) {
        let parts = HTTPExchange.split(target)
        #expect(parts.path == path)
        #expect(parts.query == query)
    }
}
