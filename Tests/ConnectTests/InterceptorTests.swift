import Connect
import EnvdTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct InterceptorTests {
    private enum Names: RPCContextKey {
        typealias Value = [String]
    }

    /// Says when it is entered and left, and what those further out have left in the context.
    private struct Witness: Interceptor {
        let name: String
        let events: Mailbox<String>
        var refuses = false

        func intercept(
            _ context: RPCContext, _ next: @escaping @Sendable (RPCContext) async throws -> Void
        ) async throws {
            let names = context[Names.self] ?? []
            self.events.post("\(self.name) in \(names) \(context.procedure) \(context.codec)")
            if self.refuses { throw ConnectError(.unauthenticated, "refused by \(self.name)") }
            var context = context
            context[Names.self] = names + [self.name]
            do {
                try await next(context)
                self.events.post("\(self.name) out")
            } catch {
                self.events.post("\(self.name) out: \((error as? ConnectError)?.code.name ?? "\(error)")")
                throw error
            }
        }
    }

    private func settings(_ interceptors: [Witness]) -> ConnectSettings {
        var settings = ConnectSettings()
        settings.interceptors = interceptors
        return settings
    }

    @Test func `the first interceptor is outermost, and what it leaves in the context goes inwards`()
        async throws
    {
        let events = Mailbox<String>()
        let settings = self.settings(["a", "b", "c"].map { Witness(name: $0, events: events) })
        try await TestService().serve(settings) { server in
            let reply = try await server.client().call(TestService.echo, #"{"cmd":"x"}"#)
            #expect(reply.status == 200)
            #expect(
                events.pending == [
                    "a in [] /test.Test/Echo json", #"b in ["a"] /test.Test/Echo json"#,
                    #"c in ["a", "b"] /test.Test/Echo json"#, "c out", "b out", "a out",
                ])
        }
    }

    @Test func `an error of the procedure goes out through all of them`() async throws {
        let events = Mailbox<String>()
        let settings = self.settings(["a", "b"].map { Witness(name: $0, events: events) })
        try await TestService().serve(settings) { server in
            _ = try await server.client().stream(TestService.repeats, envelope(#"{"cmd":"fail"}"#))
            #expect(events.pending.suffix(2) == ["b out: failed_precondition", "a out: failed_precondition"])
        }
    }

    @Test func `an interceptor can refuse a call in the call's own form`() async throws {
        let events = Mailbox<String>()
        let settings = self.settings([
            Witness(name: "a", events: events), Witness(name: "b", events: events, refuses: true),
            Witness(name: "c", events: events),
        ])
        try await TestService().serve(settings) { server in
            let client = try await server.client()
            let reply = try await client.call(TestService.echo, #"{"cmd":"x"}"#)
            #expect(reply.status == 401)
            #expect(reply.text == #"{"code":"unauthenticated","message":"refused by b"}"#)
            let (head, frames) = try await client.stream(TestService.repeats, envelope("{}"))
            #expect(head.status == 200)
            #expect(frames.map(\.text) == [#"{"error":{"code":"unauthenticated","message":"refused by b"}}"#])
            #expect(!events.pending.contains { $0.hasPrefix("c") })
        }
    }

    @Test func `interceptors see calls whose message is wrong, but not those that their protocol refuses`()
        async throws
    {
        let events = Mailbox<String>()
        try await TestService().serve(self.settings([Witness(name: "a", events: events)])) { server in
            let client = try await server.client()
            #expect(try await client.call(TestService.echo, "{").status == 400)
            #expect(events.pending == ["a in [] /test.Test/Echo json", "a out: invalid_argument"])
            #expect(try await client.call(TestService.echo, "{}", ["Content-Encoding: br"]).status == 501)
            #expect(try await client.call(TestService.echo, "{}", ["Connect-Timeout-Ms: x"]).status == 400)
            #expect(events.pending.count == 2)
        }
    }
}
