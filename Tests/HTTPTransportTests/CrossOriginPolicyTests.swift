import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct CrossOriginPolicyTests {
    private static let exposed =
        "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Location, Cache-Control, X-Content-Type-Options"

    private func request(_ method: String, _ path: String, _ fields: [String]) async throws -> HTTPReply {
        var router = HTTPRouter()
        router.add(.GET, "/", HTTPClosureHandler { $0.respond(.ok, text: "content") })
        let policy = CrossOriginPolicy(before: router)
        return try await withServer(makeHandler: { _ in policy }) { server in
            try await server.client().request(method, path, fields)
        }
    }

    @Test(arguments: ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    func `a preflight for an allowed method is answered on any path`(_ method: String) async throws {
        let reply = try await self.request(
            "OPTIONS", "/nowhere",
            [
                "Origin: https://example.com", "Access-Control-Request-Method: \(method)",
                "Access-Control-Request-Headers: x-one, x-two",
            ])
        #expect(reply.status == 204)
        #expect(
            reply["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
        #expect(reply["access-control-allow-origin"] == "*")
        #expect(reply["access-control-allow-methods"] == method)
        #expect(reply["access-control-allow-headers"] == "x-one, x-two")
        #expect(reply["access-control-max-age"] == "7200")
        #expect(reply["access-control-allow-credentials"] == nil)
        #expect(reply["access-control-allow-private-network"] == nil)
        #expect(reply["content-length"] == nil)
    }

    @Test func `a preflight that asks for no headers is allowed none`() async throws {
        let reply = try await self.request(
            "OPTIONS", "/", ["Origin: null", "Access-Control-Request-Method: GET"])
        #expect(reply["access-control-allow-origin"] == "*")
        #expect(reply["access-control-allow-headers"] == nil)
    }

    @Test(arguments: [
        ["Access-Control-Request-Method: GET"],
        ["Origin: https://example.com", "Access-Control-Request-Method: get"],
        ["Origin: https://example.com", "Access-Control-Request-Method: TRACE"],
    ])
    func `a preflight without an origin or for another method only varies`(_ fields: [String]) async throws {
        let reply = try await self.request("OPTIONS", "/", fields)
        #expect(reply.status == 204)
        #expect(
            reply["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
        #expect(reply.head.fields.allSatisfy { !$0.name.hasPrefix("access-control-") })
    }

    @Test(arguments: [("GET", "/", 200), ("GET", "/nowhere", 404), ("POST", "/", 405), ("OPTIONS", "/", 405)])
    func `other responses may be read by any origin, errors too`(
        _ method: String, _ path: String, _ status: Int
    ) async throws {
        let reply = try await self.request(method, path, ["Origin: https://example.com"])
        #expect(reply.status == status)
        #expect(reply["vary"] == "Origin")
        #expect(reply["access-control-allow-origin"] == "*")
        #expect(reply["access-control-expose-headers"] == Self.exposed)
    }

    @Test func `a request without an origin gets no permissions`() async throws {
        let reply = try await self.request("GET", "/", [])
        #expect(reply.text == "content")
        #expect(reply["vary"] == "Origin")
        #expect(reply["access-control-allow-origin"] == nil)
        #expect(reply["access-control-expose-headers"] == nil)
    }
}
