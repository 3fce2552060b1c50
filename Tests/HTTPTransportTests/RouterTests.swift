import EnvdTestSupport
import HTTPTransport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct RouterTests {
    private static let router: HTTPRouter = {
        var router = HTTPRouter()
        router.add(.GET, "/one", HTTPClosureHandler { $0.respond(.ok, text: "old") })
        router.add(.GET, "/one", HTTPClosureHandler { $0.respond(.ok, text: "get") })
        router.add(.POST, "/one", HTTPClosureHandler { $0.respond(.ok, text: "post") })
        return router
    }()

    private func request(_ method: String, _ path: String, _ fields: [String] = []) async throws -> HTTPReply
    {
        try await withServer(makeHandler: { _ in Self.router }) { server in
            try await server.client().request(method, path, fields)
        }
    }

    @Test(arguments: ["/", "/one/", "//one", "/One", "/%6Fne", "/one/../one", "/on", "*"])
    func `a path that is not exactly a route is not found`(_ path: String) async throws {
        let reply = try await self.request("GET", path)
        #expect(reply.status == 404)
        #expect(reply["content-type"] == "text/plain; charset=utf-8")
        #expect(reply["x-content-type-options"] == "nosniff")
        #expect(reply.text == "404 page not found\n")
    }

    @Test(arguments: ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "FOO"])
    func `a route refuses other methods and names those that it has`(_ method: String) async throws {
        let reply = try await self.request(method, "/one")
        // The parser knows no methods of its own invention.
        guard method != "FOO", method != "get" else {
            #expect([400, 405].contains(reply.status))
            return
        }
        #expect(reply.status == 405)
        #expect(reply.head.values("allow").sorted() == ["GET", "POST"])
        #expect(reply["content-length"] == "0")
    }

    @Test func `a query does not change the route, and a later route replaces an earlier one`() async throws {
        #expect(try await self.request("GET", "/one?a=/two").text == "get")
        #expect(try await self.request("POST", "/one").text == "post")
    }
}
