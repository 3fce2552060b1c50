import EnvdTestSupport
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOHTTP1
import SystemPackage
import Testing

@testable import WorkloadFreezer

@Suite struct RouteTests {
    /// Serves the control routes over a tree.
    private func withRoutes(
        _ tree: PlainTree?, path: String = "/proc", _ body: (TestServer, TestFreezer) async throws -> Void
    ) async throws {
        let freezer = TestFreezer(try tree?.tree)
        let routes = try await freezer.run { subject in
            var routes = HTTPRouter()
            subject.register(in: &routes)
            FilesystemFreezer(at: path, on: TestFreezer.eventLoop).register(in: &routes)
            HeapCollapse(on: TestFreezer.eventLoop, pool: Children.pool).register(in: &routes)
            return routes
        }
        try await withServer(on: TestFreezer.eventLoop, handler: routes) { server in
            try await body(server, freezer)
        }
    }

    private static func machine() throws -> PlainTree {
        let tree = try PlainTree()
        for group in ["user", "ptys", "customer"] { try tree.add(group, frozen: true) }
        return tree
    }

    private static let errorType = "application/json; charset=utf-8"

    @Test(arguments: ["", "?maxWaitMs=0", "?maxWaitMs=-1", "?mode=legacy", "?mode=hierarchy", "?mode=other"])
    func `a freeze without a wait says nothing`(_ query: String) async throws {
        let machine = try Self.machine()
        // Else the first freeze would find one in effect.
        for group in ["user", "ptys", "customer"] { try machine.set(group) }
        try await self.withRoutes(machine) { server, _ in
            let reply = try await server.client().request("POST", "/freeze" + query, body: [])
            #expect(reply.status == 204)
            #expect(reply["cache-control"] == nil)
            let all = query.contains("hierarchy")
            #expect(try machine.frozen == (all ? ["customer", "ptys", "user"] : ["ptys", "user"]))
        }
    }

    @Test func `a freeze with a wait tells what came of it`() async throws {
        let machine = try Self.machine()
        try await self.withRoutes(machine) { server, _ in
            let reply = try await server.client().request(
                "POST", "/freeze?mode=hierarchy&maxCgroups=8&maxWaitMs=60000", body: [])
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json")
            #expect(reply["cache-control"] == "no-store")
            let text = reply.text.replacing(/"(sweepMs|waitMs)":\d+/) { "\"\($0.output.1)\":N" }
            #expect(
                text == """
                    {"allowlisted":0,"failed":0,"frozen":3,"mode":"hierarchy","notFrozen":0,"preFrozen":0,\
                    "requested":3,"sweepMs":N,"truncated":false,"unobservable":0,"visited":3,"waitMs":N}

                    """)
        }
    }

    @Test func `without cgroups nothing is observable`() async throws {
        try await self.withRoutes(nil) { server, _ in
            let reply = try await server.client().request("POST", "/freeze?maxWaitMs=100", body: [])
            #expect(reply.status == 200)
            #expect(reply.text.contains(#""frozen":0,"mode":"legacy","notFrozen":0"#))
            #expect(reply.text.contains(#""unobservable":2"#))
            #expect(try await server.client().request("POST", "/unfreeze", body: []).status == 204)
        }
    }

    @Test(arguments: [
        ("maxCgroups=x", "maxCgroups"), ("maxWaitMs=", "maxWaitMs"), ("maxWaitMs=1&maxWaitMs=2", "maxWaitMs"),
        ("mode=legacy&mode=legacy", "mode"), ("maxWaitMs=x&maxCgroups=y", "maxCgroups"),
    ])
    func `a parameter that makes no sense is refused, and nothing freezes`(_ query: String, _ name: String)
        async throws
    {
        let machine = try Self.machine()
        try await self.withRoutes(machine) { server, _ in
            let reply = try await server.client().request("POST", "/freeze?\(query)", body: [])
            #expect(reply.status == 400)
            #expect(reply["content-type"] == "text/plain; charset=utf-8")
            #expect(reply["x-content-type-options"] == "nosniff")
            #expect(reply.text.hasPrefix("Invalid format for parameter \(name): "))
            #expect(try machine.frozen == [])
        }
    }

    @Test func `a client that goes away while groups settle makes room for the next`() async throws {
        let machine = try Self.machine()
        for group in ["user", "ptys", "customer"] { try machine.set(group) }
        try await self.withRoutes(machine) { server, freezer in
            let client = try await server.client()
            try await client.sendRequest("POST", "/freeze?maxWaitMs=600000", body: [])
            try await machine.settled(on: ["ptys", "user"])
            await client.close()
            #expect(try await server.client().request("POST", "/unfreeze", body: []).status == 204)
            #expect(try machine.frozen == [])
            #expect(try await !freezer.isWatched)
        }
    }

    @Test func `a thaw that fails says why`() async throws {
        let machine = try Self.machine()
        try await self.withRoutes(machine) { server, _ in
            let client = try await server.client()
            #expect(try await client.request("POST", "/freeze", body: []).status == 204)
            for group in ["user", "ptys"] { try machine.spoil("cgroup.freeze", of: group) }
            let reply = try await client.request("POST", "/unfreeze", body: [])
            #expect(reply.status == 500)
            #expect(reply["content-type"] == Self.errorType)
            #expect(
                reply.text.hasPrefix(#"{"code":500,"message":"thaw cgroup \"user\": is a directory\nthaw "#))
            for group in ["user", "ptys"] { try machine.repair("cgroup.freeze", of: group) }
            let second = try await client.request("POST", "/unfreeze", body: [])
            #expect(second.status == 204)
            #expect(second["cache-control"] == "no-store")
        }
    }

    @Test(arguments: ["/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse"])
    func `the control routes are of one method`(_ path: String) async throws {
        try await self.withRoutes(nil) { server, _ in
            let reply = try await server.client().request("GET", path)
            #expect(reply.status == 405)
            #expect(reply["allow"] == "POST")
        }
    }

    @Test func `a file system that cannot be frozen says so`() async throws {
        try await self.withRoutes(nil, path: "/proc") { server, _ in
            let client = try await server.client()
            let reply = try await client.request("POST", "/fsfreeze", body: [])
            #expect(reply.status == 500)
            #expect(reply["content-type"] == Self.errorType)
            #expect(
                reply.text == #"{"code":500,"message":"FIFREEZE /proc: operation not supported"}"# + "\n")
            // One that is not frozen need not be thawed.
            let thaw = try await client.request("POST", "/fsthaw", body: [])
            #expect(thaw.status == 204)
            #expect(thaw["cache-control"] == "no-store")
        }
        try await self.withRoutes(nil, path: "/nowhere") { server, _ in
            for path in ["/fsfreeze", "/fsthaw"] {
                let reply = try await server.client().request("POST", path, body: [])
                #expect(reply.status == 500)
                #expect(
                    reply.text == #"{"code":500,"message":"open /nowhere: no such file or directory"}"# + "\n"
                )
            }
        }
    }

    @Test func `a collapse accounts for every window`() async throws {
        try await self.withRoutes(nil) { server, _ in
            let reply = try await server.client().request("POST", "/collapse", body: [])
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json")
            #expect(reply["cache-control"] == "no-store")
            let keys = reply.text.matches(of: /"(\w+)":\d+/).map { String($0.output.1) }
            #expect(keys == ["alreadyHuge", "chunks", "collapsed", "elapsedMs", "regions", "skipped"])
            #expect(reply.text.hasSuffix("}\n"))
        }
    }
}
