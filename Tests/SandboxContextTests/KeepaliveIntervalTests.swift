import NIOCore
import NIOHTTP1
import SandboxContext
import Testing

@Suite struct KeepaliveIntervalTests {
    @Test(arguments: [("1", Int64(1)), ("50", 50), ("86400", 86_400), ("9223372036854775807", 100_000_000)])
    func `the header has seconds`(_ text: String, _ seconds: Int64) {
        #expect(KeepaliveInterval.of(["Keepalive-Ping-Interval": text]) == .seconds(seconds))
    }

    @Test(arguments: ["", "0", "-1", "1.5", "1s", "ten", " 1", "99999999999999999999"])
    func `what is not a positive number means the default`(_ text: String) {
        #expect(KeepaliveInterval.of(["keepalive-ping-interval": text]) == .seconds(90))
    }

    @Test func `without a header the default holds`() {
        #expect(KeepaliveInterval.of([:]) == .seconds(90))
    }
}
