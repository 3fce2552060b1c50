import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import NIOCore
import ProcessService
import SandboxContext
import SwiftProtobuf
import Testing

/// What a command is started with, and what its client sees of it.
@Suite struct StartTests {
    @Test func `Start streams the pid, the output, then the exit code`() async throws {
        try await withProcesses { client async throws in
            let outcome = try await client.run("printf out; printf err >&2; exit 3")
            #expect(outcome.pid > 0)
            #expect(outcome.out == "out")
            #expect(outcome.err == "err")
            #expect(outcome.end?.exitCode == 3)
            #expect(outcome.end?.exited == true)
            #expect(outcome.end?.status == "exit status 3")
            #expect(outcome.end?.error == "exit status 3")
            #expect(outcome.failure == nil)
            #expect(outcome.pty.readableBytes == 0)
        }
    }

    @Test func `the JSON of a stream is that of the protocol`() async throws {
        try await withProcesses { client async throws in
            let socket = try await client.server.client()
            let request =
                #"{"process":{"cmd":"/bin/sh","args":["-c","echo hi"],"envs":{"A":"1"},"cwd":"/tmp"},"stdin":false}"#
            let reply = try await socket.request(
                "POST", "/process.Process/Start", ["Content-Type: application/connect+json"],
                body: envelope(request))
            let frames = frames(in: reply.body)
            try #require(frames.count == 4)
            let start = try Process_StartResponse(jsonString: frames[0].text)
            #expect(frames[0].text == "{\"event\":{\"start\":{\"pid\":\(start.event.start.pid)}}}")
            #expect(frames[1].text == #"{"event":{"data":{"stdout":"aGkK"}}}"#)
            #expect(frames[2].text == #"{"event":{"end":{"exited":true,"status":"exit status 0"}}}"#)
            #expect(frames[3] == ConnectFrame(flags: 2, payload: ByteBuffer(string: "{}")))
        }
    }

    @Test(arguments: [
        ("exit 0", Int32(0), "exit status 0"), ("exit 255", 255, "exit status 255"),
        ("kill -9 $$", -1, "signal: killed"), ("kill -TERM $$", -1, "signal: terminated"),
        ("kill -INT $$", -1, "signal: interrupt"), ("kill -HUP $$", -1, "signal: hangup"),
        ("kill -PIPE $$", -1, "signal: broken pipe"),
        ("ulimit -c 0; kill -SEGV $$", -1, "signal: segmentation fault"),
        ("ulimit -c 0; kill -ABRT $$", -1, "signal: aborted"),
    ])
    func `the end says how`(_ script: String, _ code: Int32, _ status: String) async throws {
        try await withProcesses { client async throws in
            let end = try await client.run(script).end
            #expect(end?.exitCode == code)
            #expect(end?.status == status)
            #expect(end?.exited == (code >= 0))
            #expect(end?.hasError == (code != 0))
        }
    }

    @Test func `all output comes before the end`() async throws {
        try await withProcesses { client async throws in
            for size in [1, 65_536, 3_000_000] {
                let outcome = try await client.run("head -c \(size) /dev/zero; head -c \(size) /dev/zero >&2")
                #expect(outcome.stdout.readableBytes == size)
                #expect(outcome.stderr.readableBytes == size)
                #expect(outcome.end?.exitCode == 0)
            }
        }
    }

    @Test func `a command that does not exist or may not run ends with 127 or 126 and a message`()
        async throws
    {
        try await withProcesses { client async throws in
            for (cmd, code) in [
                ("/nowhere/x", Int32(127)), ("no-such-command", 127), ("", 127), ("/etc/passwd", 126),
                ("/tmp", 126),
            ] {
                let stream = try await client.start("") {
                    $0.process.cmd = cmd
                    $0.process.args = []
                }
                let outcome = try await stream.outcome()
                #expect(outcome.end?.exitCode == code, "\(cmd)")
                #expect(outcome.end?.exited == true)
                #expect(!outcome.err.isEmpty)
                #expect(outcome.failure == nil)
            }
        }
    }

    @Test func `arguments arrive as they are`() async throws {
        try await withProcesses { client async throws in
            let arguments = ["", " ", "a b", "$HOME", "'\"\\", "é\n", "-c", "--", "*"]
            let stream = try await client.start("") {
                $0.process.cmd = "printf"
                $0.process.args = ["<%s>"] + arguments
            }
            #expect(try await stream.outcome().out == arguments.map { "<\($0)>" }.joined())
        }
    }

    @Test func `the environment is the daemon's, the sandbox's and the request's, and nothing else`()
        async throws
    {
        let defaults = SandboxDefaults.State(
            user: "root", internalVariables: ["E2B_SANDBOX": "true"], userVariables: ["A": "1", "B": "2"])
        try await withProcesses(defaults: defaults) { client async throws in
            let stream = try await client.start("") {
                $0.process.cmd = "env"
                $0.process.args = []
                $0.process.envs = ["B": "3", "C": "four = 4"]
            }
            let variables = try await stream.outcome().out.split(separator: "\n").map(String.init).sorted()
            #expect(
                variables == [
                    "A=1", "B=3", "C=four = 4", "E2B_SANDBOX=true", "HOME=/root", "LOGNAME=root",
                    "PATH=/usr/local/bin:/usr/bin:/bin", "USER=root",
                ])
        }
    }

    @Test func `the command runs as the user of the request, in his home`() async throws {
        try await withProcesses { client async throws in
            // nobody:
            let outcome = try await client.run(
                "id -un; id -gn; cd /; pwd; echo $HOME $USER", ["Authorization: Basic bm9ib2R5Og=="]
            ) {
                $0.process.cwd = "/tmp"
            }
            #expect(outcome.out == "nobody\nnogroup\n/\n/nonexistent nobody\n")
            let root = try await client.run("id -un; pwd")
            #expect(root.out == "root\n/root\n")
        }
    }

    @Test(arguments: [
        // no-such-user:, and nothing before the colon.
        ("bm8tc3VjaC11c2VyOg==", "invalid username: 'no-such-user'"), ("Og==", "invalid username: ''"),
    ])
    func `a user who does not exist is refused`(_ credentials: String, _ message: String) async throws {
        try await withProcesses { client async throws in
            let outcome = try await client.run("true", ["Authorization: Basic \(credentials)"])
            #expect(outcome.pid == 0)
            #expect(outcome.failure == CallFailure(code: "unauthenticated", message: message))
        }
    }

    @Test func `the default user is the one of the sandbox`() async throws {
        try await withProcesses(defaults: SandboxDefaults.State(user: "nobody")) { client async throws in
            let outcome = try await client.run("id -un") { $0.process.cwd = "/" }
            #expect(outcome.out == "nobody\n")
        }
        try await withProcesses(defaults: SandboxDefaults.State(user: "nobody-at-all")) {
            client async throws in
            #expect(
                try await client.run("true").failure
                    == CallFailure(code: "unauthenticated", message: "invalid default user: 'nobody-at-all'"))
        }
        try await withProcesses(defaults: SandboxDefaults.State(user: "")) { client async throws in
            #expect(
                try await client.run("true").failure
                    == CallFailure(code: "unauthenticated", message: "no user specified"))
        }
    }

    @Test func `the working directory is resolved as the user's, or the sandbox's`() async throws {
        let defaults = SandboxDefaults.State(user: "root", workingDirectory: "/usr")
        try await withProcesses(defaults: defaults) { client async throws in
            for (cwd, expected) in [
                (nil, "/usr"), ("", "/usr"), ("~", "/root"), ("/tmp/../usr/", "/usr"), (".", "/root"),
            ] as [(String?, String)] {
                let outcome = try await client.run("pwd -P") { if let cwd { $0.process.cwd = cwd } }
                #expect(outcome.out == expected + "\n")
            }
        }
    }

    @Test func `a working directory that cannot be entered is refused before there is an event`() async throws
    {
        try await withProcesses { client async throws in
            func failure(_ cwd: String, _ fields: [String] = []) async throws -> CallFailure? {
                let outcome = try await client.run("true", fields) { $0.process.cwd = cwd }
                #expect(outcome.pid == 0)
                #expect(outcome.end == nil)
                return outcome.failure
            }
            #expect(
                try await failure("/nowhere/at/all")
                    == CallFailure(code: "invalid_argument", message: "cwd '/nowhere/at/all' does not exist"))
            #expect(try await failure("/etc/passwd")?.code == "invalid_argument")
            #expect(try await failure("~bob")?.code == "invalid_argument")
            #expect(
                try await failure("/root", ["Authorization: Basic bm9ib2R5Og=="])?.code == "invalid_argument")
            #expect(try await client.list().isEmpty)
        }
    }

    @Test func `NUL and too much are refused, and the next command runs`() async throws {
        try await withProcesses { client async throws in
            let nul = try await client.run("true") { $0.process.args.append("a\u{0}b") }
            #expect(nul.failure?.code == "invalid_argument")
            let inVariable = try await client.run("true") { $0.process.envs = ["A": "\u{0}"] }
            #expect(inVariable.failure?.code == "invalid_argument")
            let tooMuch = try await client.run("true") {
                $0.process.args.append(String(repeating: "x", count: 4 << 20))
            }
            #expect(tooMuch.failure?.code == "invalid_argument")
            #expect(try await client.run("echo fine").out == "fine\n")
        }
    }

    @Test func `standard input is a pipe, or /dev/null if that is asked for`() async throws {
        try await withProcesses { client async throws in
            let script = "readlink /proc/self/fd/0"
            #expect(try await client.run(script) { $0.stdin = false }.out == "/dev/null\n")
            #expect(try await client.run(script) { $0.stdin = true }.out.hasPrefix("pipe:["))
            #expect(try await client.run(script).out.hasPrefix("pipe:["))
        }
    }

    @Test func `a child has descriptors 0, 1 and 2 and no others`() async throws {
        try await withProcesses { client async throws in
            // The last is that of the directory itself.
            #expect(try await client.run("ls /proc/self/fd | tr '\\n' ' '").out == "0 1 2 3 ")
        }
    }

    @Test func `no more processes run than the limit allows`() async throws {
        try await withProcesses({ $0.processes = 2 }) { client async throws in
            let first = try await client.start("read line")
            let pid = try await first.started()
            _ = try await client.start("read line").started()
            let third = try await client.run("true")
            #expect(third.failure?.code == "resource_exhausted")
            try await client.closeInput(of: pid)
            #expect(try await first.outcome().end?.exitCode == 1)
            #expect(try await client.run("exit 5").end?.exitCode == 5)
        }
    }

    @Test func `starts that come at once count before they run`() async throws {
        try await withProcesses({ $0.processes = 2 }) { client async throws in
            let codes = try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        let stream = try await client.start("read line")
                        return try await stream.next() == nil ? stream.failure?.code : "started"
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.count { $0 == "started" } == 2)
            #expect(codes.count { $0 == "resource_exhausted" } == 6)
        }
    }

    // MARK: Time

    @Test func `a silent process has a keepalive`() async throws {
        try await withProcesses { client async throws in
            let stream = try await client.start("read line; echo $line", ["Keepalive-Ping-Interval: 1"])
            let pid = try await stream.started()
            let event = try await stream.next()
            #expect(event?.keepalive == Process_ProcessEvent.KeepAlive())
            guard case .keepalive = event?.event else {
                Issue.record("\(String(describing: event))")
                return
            }
            try await client.send("x\n", to: pid)
            let outcome = try await stream.outcome()
            #expect(outcome.out == "x\n")
            #expect(outcome.end?.exitCode == 0)
        }
    }

    @Test func `when the time of the call is over the stream ends and the process is killed`() async throws {
        try await withProcesses { client async throws in
            let stream = try await client.start("echo ready; exec sleep 1000", ["Connect-Timeout-Ms: 5000"])
            let pid = try await stream.started()
            let witness = try await client.connect(pid)
            #expect(try await witness.started() == pid)
            let outcome = try await stream.outcome()
            #expect(outcome.out == "ready\n")
            #expect(
                outcome.failure
                    == CallFailure(code: "deadline_exceeded", message: "context deadline exceeded"))
            let end = try await witness.outcome().end
            #expect(end?.exitCode == -1)
            #expect(end?.status == "signal: killed")
            #expect(try await client.list().isEmpty)
        }
    }

    @Test func `a process that ends in time is not killed, and the timeout of Connect kills nobody`()
        async throws
    {
        try await withProcesses { client async throws in
            #expect(try await client.run("exit 4", ["Connect-Timeout-Ms: 60000"]).end?.exitCode == 4)
            let stream = try await client.start("read line; exit 6")
            let pid = try await stream.started()
            let brief = try await client.connect(pid, ["Connect-Timeout-Ms: 50"]).outcome()
            #expect(brief.end == nil)
            #expect(brief.failure?.code == "deadline_exceeded")
            try await client.send("\n", to: pid)
            #expect(try await stream.outcome().end?.exitCode == 6)
        }
    }

    @Test func `a process outlives the client that started it`() async throws {
        try await withProcesses { client async throws in
            let stream = try await client.start("read line; exit 7", tag: "survivor")
            let pid = try await stream.started()
            try await stream.client.reset()
            #expect(try await client.list().map(\.pid) == [pid])
            let second = try await client.connect(pid)
            #expect(try await second.started() == pid)
            try await client.send("\n", to: pid)
            #expect(try await second.outcome().end?.exitCode == 7)
        }
    }
}
