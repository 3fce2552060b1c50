import EnvdDaemon
import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import SandboxContext
import Testing

@Suite struct AccessGateTests {
    @Test(arguments: [
        ("127.0.0.1", true), ("127.1.2.3", true), ("127.255.255.255", true), ("::1", true),
        ("::ffff:127.0.0.1", true), ("::ffff:127.9.9.9", true), ("10.0.0.1", false), ("128.0.0.1", false),
        ("12.7.0.1", false), ("0.0.0.0", false), ("::", false), ("::2", false), ("fe80::1", false),
        ("::ffff:10.0.0.1", false), ("::ffff:128.0.0.1", false), ("1::ffff:127.0.0.1", false),
        ("::127.0.0.1", false), ("127::1", false), ("::1:1", false),
    ])
    func `an address is this machine's or another's`(_ text: String, _ isLoopback: Bool) throws {
        #expect(AccessGate.isLoopback(try SocketAddress(ipAddress: text, port: 1)) == isLoopback)
    }

    @Test func `a Unix domain socket is this machine's, and an unknown address is not`() throws {
        #expect(AccessGate.isLoopback(try SocketAddress(unixDomainSocketPath: "/run/a.sock")))
        #expect(!AccessGate.isLoopback(nil))
    }

    // MARK: Requests

    private static let refusal =
        "{\"code\":401,\"message\":\"unauthorized access, please provide a valid access token or method signing "
        + "if supported\"}\n"

    private func request(
        _ method: String, _ path: String, _ fields: [String] = [], token: String?
    ) async throws -> HTTPReply {
        let gate = AccessGate(
            AccessPolicy(token: try token.flatMap { try AccessToken($0) }), admitsOtherMachines: false,
            before: HTTPClosureHandler { $0.respond(.ok, text: "in") })
        return try await withServer(makeHandler: { _ in gate }) { server in
            try await server.client().request(method, path, fields)
        }
    }

    @Test func `the token opens every path`() async throws {
        for path in ["/envs", "/nowhere", "/process.Process/List"] {
            let reply = try await self.request("POST", path, ["X-Access-Token: secret"], token: "secret")
            #expect(reply.text == "in")
        }
    }

    @Test(arguments: [
        [], ["X-Access-Token: "], ["X-Access-Token: Secret"], ["X-Access-Token: secret1"],
        // Only the first value counts.
        ["X-Access-Token: wrong", "X-Access-Token: secret"], ["Authorization: Bearer secret"],
    ])
    func `without the token every path is refused, unknown ones too`(_ fields: [String]) async throws {
        for path in ["/envs", "/nowhere", "/health/", "/Health", "/%68ealth", "/process.Process/List"] {
            let reply = try await self.request("GET", path, fields, token: "secret")
            #expect(reply.status == 401)
            #expect(reply["content-type"] == "application/json; charset=utf-8")
            #expect(reply["x-content-type-options"] == "nosniff")
            #expect(reply.text == Self.refusal)
        }
    }

    @Test(arguments: [
        ("GET", "/health", true), ("GET", "/health?a=b", true), ("GET", "/files", true),
        ("POST", "/files?path=a", true), ("POST", "/init", true), ("POST", "/health", false),
        ("PUT", "/files", false), ("GET", "/init", false), ("POST", "/files/compose", false),
    ])
    func `some methods of some paths need no token`(_ method: String, _ path: String, _ isExempt: Bool)
        async throws
    {
        let reply = try await self.request(method, path, token: "secret")
        #expect(reply.status == (isExempt ? 200 : 401))
    }

    @Test func `while there is no token this machine may do everything`() async throws {
        #expect(try await self.request("POST", "/process.Process/List", token: nil).text == "in")
    }
}
