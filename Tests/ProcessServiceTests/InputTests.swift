import Connect
import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import NIOCore
import SwiftProtobuf
import Testing

/// SendInput, StreamInput and CloseStdin.
@Suite struct InputTests {
    /// Reads a line, repeats it, and reads nothing more until it is told to by SIGTERM: then it counts the rest.
    private static let counter =
        "trap 'wc -c; kill $!; exit 9' TERM; read line; echo $line; sleep 1000 & wait"

    /// The failure of a call that must fail.
    private func failure(_ body: () async throws -> Void) async -> CallFailure? {
        await #expect(throws: CallFailure.self) { try await body() }
    }

    @Test func `input arrives in order, and closing ends it`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec cat")
            let pid = try await stream.started()
            var expected = ""
            for number in 0..<50 {
                try await client.send("line \(number)\n", to: pid)
                expected += "line \(number)\n"
            }
            try await client.send("", to: pid)
            try await client.closeInput(of: pid)
            let outcome = try await stream.outcome()
            #expect(outcome.out == expected)
            #expect(outcome.end?.exitCode == 0)
        }
    }

    @Test func `closing waits for what was sent before, and nothing can be sent after`() async throws {
        try await withProcesses { client in
            let stream = try await client.start(Self.counter)
            let pid = try await stream.started()
            async let sent: Void = client.send("first\n" + String(repeating: "x", count: 2_000_000), to: pid)
            #expect(try await stream.output() == "first\n")
            try await client.closeInput(of: pid)
            try await client.closeInput(of: pid)
            #expect(
                await self.failure { try await client.send("late", to: pid) }
                    == CallFailure(
                        code: "internal", message: "error writing to stdin: stdin not enabled or closed"))
            try await client.signal(pid, .sigterm)
            let outcome = try await stream.outcome()
            try await sent
            #expect(outcome.out == "2000000\n")
            #expect(outcome.end?.exitCode == 9)
        }
    }

    @Test func `a call that ends leaves out what the process has not taken`() async throws {
        try await withProcesses { client in
            let stream = try await client.start(Self.counter)
            let pid = try await stream.started()
            let failure = await self.failure {
                _ = try await client.call(ProcessAPI.sendInput, ["Connect-Timeout-Ms: 3000"]) {
                    $0.process.pid = pid
                    $0.input.stdin = Data("first\n".utf8) + Data(repeating: 120, count: 2_000_000)
                }
            }
            #expect(failure?.code == "deadline_exceeded")
            #expect(try await stream.output() == "first\n")
            async let sent: Void = client.send("end", to: pid)
            try await client.signal(pid, .sigterm)
            try await sent
            try await client.closeInput(of: pid)
            let outcome = try await stream.outcome()
            let count = try #require(Int(outcome.out.dropLast()))
            #expect((3..<1_000_000).contains(count))
        }
    }

    @Test func `input of several clients is not mixed within a message`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec cat")
            let pid = try await stream.started()
            try await withThrowingTaskGroup { group in
                for letter in ["a", "b", "c", "d"] {
                    group.addTask {
                        try await client.send(String(repeating: letter, count: 300_000) + "\n", to: pid)
                    }
                }
                try await group.waitForAll()
            }
            try await client.closeInput(of: pid)
            let lines = try await stream.outcome().out.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines.allSatisfy { $0.count == 300_000 && Set($0).count == 1 })
        }
    }

    @Test func `errors say why there can be no input`() async throws {
        try await withProcesses { client in
            let without = try await client.start("echo ready; exec sleep 1000") { $0.stdin = false }
            let pid = try await without.started()
            #expect(
                await self.failure { try await client.send("x", to: pid) }
                    == CallFailure(
                        code: "internal", message: "error writing to stdin: stdin not enabled or closed"))
            // Closing what is not there is fine.
            try await client.closeInput(of: pid)
            #expect(
                await self.failure {
                    _ = try await client.call(ProcessAPI.sendInput) {
                        $0.process.pid = pid
                        $0.input.pty = Data("x".utf8)
                    }
                }
                    == CallFailure(
                        code: "internal",
                        message:
                            "error writing to tty: tty not assigned to process — input should be written to the "
                            + "stdin, not the tty"))
            #expect(
                await self.failure {
                    _ = try await client.call(ProcessAPI.sendInput) { $0.process.pid = pid }
                }
                    == CallFailure(code: "unimplemented", message: "invalid input type <nil>"))
            try await client.signal(pid, .sigkill)
            _ = try await without.outcome()
            for unknown in [pid, 4_000_000_000] {
                let expected = CallFailure(
                    code: "not_found", message: "process with pid \(unknown) not found")
                #expect(await self.failure { try await client.send("x", to: unknown) } == expected)
                #expect(await self.failure { try await client.closeInput(of: unknown) } == expected)
            }
        }
    }

    @Test func `input that nobody reads any more is a broken pipe`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec <&-; echo ready; exec sleep 1000")
            let pid = try await stream.started()
            #expect(try await stream.output() == "ready\n")
            for _ in 0..<2 {
                #expect(
                    await self.failure { try await client.send("x", to: pid) }
                        == CallFailure(
                            code: "internal",
                            message: "error writing to stdin: error writing to stdin of process '\(pid)': "
                                + "write |1: broken pipe"))
            }
        }
    }

    // MARK: StreamInput

    /// Sends requests of StreamInput; the failure of the call, or nil.
    private func stream(
        _ client: ProcessClient, _ requests: [Process_StreamInputRequest]
    ) async throws -> CallFailure? {
        let body = try requests.reduce(into: [UInt8]()) {
            $0 += envelope(try $1.serializedBytes() as [UInt8])
        }
        let socket = try await client.server.client()
        let reply = try await socket.request(
            "POST", "/process.Process/StreamInput", ["Content-Type: application/connect+proto"], body: body)
        #expect(reply.status == 200)
        let frames = frames(in: reply.body)
        let end = try Google_Protobuf_Struct(jsonString: try #require(frames.last).text)
        let failure = (end.fields["error"]?.structValue).map(CallFailure.init)
        #expect(frames.count == (failure == nil ? 2 : 1))
        return failure
    }

    private func data(_ text: String) -> Process_StreamInputRequest {
        .with { $0.data.input.stdin = Data(text.utf8) }
    }

    @Test func `a stream of input goes to the process that it names, which may change`() async throws {
        try await withProcesses { client in
            let (first, second) = (
                try await client.start("exec cat"), try await client.start("exec cat", tag: "two")
            )
            let (one, two) = (try await first.started(), try await second.started())
            let failure = try await self.stream(
                client,
                [
                    .with { $0.start.process.pid = one }, self.data("a"), .with { $0.keepalive = .init() },
                    self.data("b"), .with { $0.start.process.tag = "two" }, self.data("c"),
                ])
            #expect(failure == nil)
            // Its end does not end the input.
            try await client.send("d", to: one)
            for pid in [one, two] { try await client.closeInput(of: pid) }
            #expect(try await first.outcome().out == "abd")
            #expect(try await second.outcome().out == "c")
        }
    }

    @Test func `a stream of input must begin with its process`() async throws {
        try await withProcesses { client async throws in
            #expect(try await self.stream(client, [self.data("x")])?.code == "invalid_argument")
            #expect(
                try await self.stream(client, [.with { $0.start.process.tag = "nobody" }])
                    == CallFailure(code: "not_found", message: "process with tag nobody not found"))
            #expect(
                try await self.stream(client, [Process_StreamInputRequest()])
                    == CallFailure(code: "unimplemented", message: "invalid event type <nil>"))
            #expect(
                try await self.stream(client, [.with { $0.start.process = .init() }])?.code == "unimplemented"
            )
            #expect(try await self.stream(client, []) == nil)
        }
    }
}
