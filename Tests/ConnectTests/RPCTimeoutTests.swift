import NIOCore
import NIOHTTP1
import Testing

@testable import Connect

@Suite struct RPCTimeoutTests {
    @Test func `without a header there is no timeout`() throws {
        #expect(try RPCTimeout.of([:], .connectUnary) == nil)
        #expect(try RPCTimeout.of(["Connect-Timeout-Ms": ""], .connectStream) == nil)
        #expect(try RPCTimeout.of(["Connect-Timeout-Ms": "5"], .grpc) == nil)
    }

    @Test(arguments: [
        ("0", Int64(0)), ("1", 1), ("0001", 1), ("60000", 60_000), ("9999999999", 9_999_999_999), ("-1", 0),
        ("-999999999", 0),
    ])
    func `a timeout is in milliseconds, and none is left of a negative one`(
        _ text: String, _ milliseconds: Int64
    )
        throws
    {
        let timeout = try RPCTimeout.of(["connect-timeout-ms": text], .connectStream)
        #expect(timeout == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("99999999999", "parse timeout: \"99999999999\" has >10 digits"),
        ("00000000001", "parse timeout: \"00000000001\" has >10 digits"),
        ("abc", "parse timeout: strconv.ParseInt: parsing \"abc\": invalid syntax"),
        ("1.5", "parse timeout: strconv.ParseInt: parsing \"1.5\": invalid syntax"),
        ("1 ", "parse timeout: strconv.ParseInt: parsing \"1 \": invalid syntax"),
        ("-", "parse timeout: strconv.ParseInt: parsing \"-\": invalid syntax"),
    ])
    func `what is not a timeout is refused`(_ text: String, _ message: String) {
        let error = #expect(throws: ConnectError.self) {
            try RPCTimeout.of(["Connect-Timeout-Ms": text], .connectUnary)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == message)
    }

    @Test(arguments: [
        ("1H", TimeAmount.hours(1)), ("2M", .minutes(2)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
        ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("99999999S", .seconds(99_999_999)),
    ])
    func `gRPC's timeout has a unit`(_ text: String, _ timeout: TimeAmount) throws {
        #expect(try RPCTimeout.of(["grpc-timeout": text], .grpc) == timeout)
    }

    @Test(arguments: ["1", "S", "123456789S", "1s", "1.5S", "-1S", " 1S"])
    func `what is not gRPC's timeout is refused`(_ text: String) {
        #expect(throws: ConnectError.self) { try RPCTimeout.of(["grpc-timeout": text], .grpcWeb) }
    }

    @Test func `more hours than a clock has are as good as none`() throws {
        #expect(try RPCTimeout.of(["grpc-timeout": "99999999H"], .grpc) == nil)
    }
}
