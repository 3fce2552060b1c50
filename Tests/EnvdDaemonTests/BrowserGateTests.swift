import Testing

@testable import EnvdDaemon

@Suite struct BrowserGateTests {
    @Test(arguments: [
        ("/a", nil), ("*", nil), ("http://a/b", "a"), ("http://a:1?x", "a:1"), ("http://u@a#b", "u@a"),
        ("http://", ""), ("a:1", nil), ("/http://a", nil),
    ])
    func `a target in absolute form names a host`(_ target: String, _ authority: String?) {
        #expect(BrowserGate.authority(of: target) == authority)
    }

    @Test(arguments: [
        ("a", "a"), ("a:1", "a"), ("[::1]:1", "[::1]"), ("[::1]", "[::1]"), ("", ""), (":1", ""),
        ("a:b:c", "a:b"),
    ])
    func `a host has no port`(_ authority: String, _ host: String) {
        #expect(BrowserGate.withoutPort(authority) == host)
    }

    @Test func `names are a list or all, and case does not matter`() throws {
        let all = try #require(AllowedNames("*"))
        #expect(all == .all && all.allowsAll && all.allows("anything"))
        let two = try #require(AllowedNames("A.example,b"))
        #expect(two.allows("a.EXAMPLE") && two.allows("B"))
        #expect(!two.allows("") && !two.allows("a") && !two.allows("*") && !two.allowsAll)
        for list in ["", ",", "a,", ",a", "a,,b"] { #expect(AllowedNames(list) == nil) }
    }
}
