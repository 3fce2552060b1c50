import Testing

@testable import FileTransfer

@Suite struct AcceptEncodingTests {
    @Test(arguments: [
        (nil, AcceptEncoding.Choice.identity), ("", .identity), ("gzip", .gzip), ("GZIP", .gzip),
        ("gzip, deflate, br", .gzip), ("br", .identity), ("br, gzip;q=0.5", .gzip), ("gzip;q=0", .identity),
        ("br, identity;q=0", .none), ("*;q=0", .none), ("*;q=0, gzip", .gzip), ("*", .identity),
        ("*, identity;q=0", .gzip), ("gzip;q=0.5, identity;q=1.0", .identity),
        ("identity;q=0.5, gzip;q=1.0", .gzip), ("gzip; Q=0.8 , identity ; q=0.9", .identity),
        ("gzip;q=nonsense", .gzip), ("identity", .identity), ("identity;q=0, gzip", .gzip),
        ("gzip; q=1,*; q=0", .gzip), (" , ,", .identity), ("deflate;q=1, *;q=0.1", .identity),
    ])
    func `chooses what the client wants most`(header: String?, choice: AcceptEncoding.Choice) {
        #expect(AcceptEncoding(header).choice == choice)
    }

    @Test(arguments: [
        ("identity;q=0", true), ("*;q=0", true), ("*;q=0, identity", false), ("gzip", false),
        ("gzip; q=1,*; q=0", true),
    ])
    func `tells whether identity is refused`(header: String, isRefused: Bool) {
        #expect(AcceptEncoding(header).refusesIdentity == isRefused)
    }
}
