import Connect
import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import Glibc
import NIOCore
import ProcessService
import SwiftProtobuf
import Testing

/// Signals, and the end of processes with descendants.
@Suite struct EndTests {
    private func failure(_ body: () async throws -> Void) async -> CallFailure? {
        await #expect(throws: CallFailure.self) { try await body() }
    }

    // MARK: Descendants that hold the output

    @Test(arguments: [Process_Signal.sigkill, .sigterm])
    func `a signal ends a process although a descendant holds its output`(_ signal: Process_Signal)
        async throws
    {
        try await withProcesses { client in
            // As `bash -lc "sleep 30 && echo done"`: the shell is signalled, the sleep goes on.
            let stream = try await client.start("sleep 1000 & echo $!; wait")
            let pid = try await stream.started()
            let descendant = try #require(pid_t(try await stream.output().dropLast()))
            defer { kill(descendant, SIGKILL) }
            try await client.signal(pid, signal)
            let outcome = try await stream.outcome()
            #expect(outcome.end?.status == (signal == .sigkill ? "signal: killed" : "signal: terminated"))
            #expect(outcome.end?.exitCode == -1)
            #expect(kill(descendant, 0) == 0)
            #expect(try await client.list().isEmpty)
        }
    }

    @Test func `what was written before a kill is delivered`() async throws {
        try await withProcesses({ $0.windowBytes = 256 << 10 }) { client in
            // The client reads nothing before the kill, and the process has written more than can be on its way. The
            // witness is there before the output begins, and reads less than the window, in which it is not held up.
            let stream = try await client.start(
                "read line; sleep 1000 & echo $! >&2; i=0; while :; do printf '%0199d\\n' $i; i=$((i+1)); done",
                receiveBuffer: 64 << 10)
            let pid = try await stream.started()
            let witness = try await client.connect(pid)
            #expect(try await witness.started() == pid)
            try await client.send("\n", to: pid)
            var seen = 0
            while seen < 200_000 { seen += try await witness.output().utf8.count }
            try await client.signal(pid, .sigkill)
            let outcome = try await stream.outcome()
            if let descendant = pid_t(outcome.err.dropLast()) { kill(descendant, SIGKILL) }
            #expect(outcome.failure == nil)
            #expect(outcome.end?.status == "signal: killed")
            let lines = outcome.out.split(separator: "\n")
            #expect(lines.count > 1000)
            // The last line may be cut.
            let isComplete = lines.dropLast().enumerated().allSatisfy { $0 == Int($1) }
            #expect(isComplete)
        }
    }

    @Test func `without a signal the end waits for descendants that hold the output`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec 3<&0; (read line <&3; echo late) & exit 4")
            let pid = try await stream.started()
            // The leader is a zombie or gone, but its process is still there.
            #expect(try await client.list().map(\.pid) == [pid])
            try await client.send("\n", to: pid)
            let outcome = try await stream.outcome()
            #expect(outcome.out == "late\n")
            #expect(outcome.end?.exitCode == 4)
            #expect(try await client.list().isEmpty)
        }
    }

    @Test func `a signal to a process whose leader has ended releases its end`() async throws {
        try await withProcesses { client in
            let stream = try await client.start(
                "exec 3<&0; (echo $PPID; read line <&3; read line <&3) & exit 4")
            let pid = try await stream.started()
            _ = try await stream.output()
            // A descendant that answers has been started, and the leader ends in no time.
            while try await Self.isThere(pid_t(pid)) { sched_yield() }
            try await client.signal(pid, .sigterm)
            let outcome = try await stream.outcome()
            #expect(outcome.end?.exitCode == 4)
        }
    }

    /// Whether a child has not been reaped yet.
    private static func isThere(_ pid: pid_t) async throws -> Bool {
        try await Children.eventLoop.submit { kill(pid, 0) == 0 }.get()
    }

    // MARK: Signals

    @Test func `an answer to SIGKILL comes when the process is gone`() async throws {
        try await withProcesses { client in
            for _ in 0..<10 {
                let stream = try await client.start("exec sleep 1000")
                let pid = try await stream.started()
                try await client.signal(pid, .sigkill)
                #expect(kill(pid_t(pid), 0) == -1)
                #expect(errno == ESRCH)
                #expect(try await stream.outcome().end?.status == "signal: killed")
            }
        }
    }

    @Test func `a process may handle SIGTERM`() async throws {
        try await withProcesses { client in
            let stream = try await client.start(
                "trap 'echo bye; exit 3' TERM; echo ready; while :; do :; done")
            let pid = try await stream.started()
            #expect(try await stream.output() == "ready\n")
            try await client.signal(pid, .sigterm)
            let outcome = try await stream.outcome()
            #expect(outcome.out == "bye\n")
            #expect(outcome.end?.exitCode == 3)
        }
    }

    @Test func `what is not a signal is refused, after the process was looked for`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec sleep 1000")
            let pid = try await stream.started()
            #expect(
                await self.failure { try await client.signal(pid, .unspecified) }
                    == CallFailure(code: "unimplemented", message: "invalid signal: SIGNAL_UNSPECIFIED"))
            #expect(
                await self.failure { try await client.signal(pid, .UNRECOGNIZED(65)) }
                    == CallFailure(code: "unimplemented", message: "invalid signal: 65"))
            #expect(
                await self.failure { try await client.signal(pid, .UNRECOGNIZED(-9)) }?.code
                    == "unimplemented")
            #expect(
                await self.failure { try await client.signal(4_000_000_000, .unspecified) }
                    == CallFailure(code: "not_found", message: "process with pid 4000000000 not found"))
            #expect(
                await self.failure {
                    _ = try await client.call(ProcessAPI.sendSignal) { $0.signal = .sigkill }
                }
                    == CallFailure(
                        code: "unimplemented", message: "invalid input type *process.ProcessSelector"))
            try await client.signal(pid, .sigkill)
            _ = try await stream.outcome()
            #expect(await self.failure { try await client.signal(pid, .sigkill) }?.code == "not_found")
        }
    }

    @Test func `other signals of the kernel are delivered`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("exec sleep 1000")
            try await client.signal(try await stream.started(), .UNRECOGNIZED(2))
            #expect(try await stream.outcome().end?.status == "signal: interrupt")
        }
    }

    // MARK: Selecting and remembering

    @Test func `two tags are told apart`() async throws {
        try await withProcesses { client in
            var pids: [String: UInt32] = [:]
            var streams: [EventStream] = []
            for tag in ["one", "two", "three"] {
                let stream = try await client.start("read line; exit 1", tag: tag)
                pids[tag] = try await stream.started()
                streams.append(stream)
            }
            for (tag, pid) in pids {
                let connected = try await client.begin(ProcessAPI.connect) { $0.process.tag = tag }
                #expect(try await connected.started() == pid)
            }
            let listed = try await client.list()
            #expect(Dictionary(uniqueKeysWithValues: listed.map { ($0.tag, $0.pid) }) == pids)
            let unknown = try await client.begin(ProcessAPI.connect) { $0.process.tag = "four" }.outcome()
            #expect(
                unknown.failure == CallFailure(code: "not_found", message: "process with tag four not found"))
        }
    }

    @Test func `List has what was asked for, and nothing right after the end`() async throws {
        try await withProcesses { client in
            #expect(try await client.list().isEmpty)
            let stream = try await client.start("read line", tag: "t") {
                $0.process.envs = ["A": "1"]
                $0.process.cwd = "~"
            }
            let pid = try await stream.started()
            let listed = try await client.list()
            try #require(listed.count == 1)
            #expect(listed[0].pid == pid)
            #expect(listed[0].tag == "t")
            #expect(listed[0].config.cmd == "/bin/sh")
            #expect(listed[0].config.args == ["-c", "read line"])
            #expect(listed[0].config.envs == ["A": "1"])
            #expect(listed[0].config.cwd == "~")
            try await client.closeInput(of: pid)
            while let event = try await stream.next() {
                // At once, before the stream itself has ended.
                if case .end = event.event { #expect(try await client.list().isEmpty) }
            }
        }
    }

    @Test func `the end of a process is told to those who come too late`() async throws {
        try await withProcesses { client in
            let outcome = try await client.start("exit 5", tag: "late").outcome()
            for selector in [
                Process_ProcessSelector.with { $0.pid = outcome.pid }, .with { $0.tag = "late" },
            ] {
                let late = try await client.begin(ProcessAPI.connect) { $0.process = selector }.outcome()
                #expect(late.pid == outcome.pid)
                #expect(late.end == outcome.end)
                #expect(late.failure == nil)
            }
            // The tag is another process's now.
            let next = try await client.start("read line; exit 6", tag: "late")
            let pid = try await next.started()
            let connected = try await client.begin(ProcessAPI.connect) { $0.process.tag = "late" }
            #expect(try await connected.started() == pid)
            try await client.closeInput(of: pid)
            #expect(try await connected.outcome().end?.exitCode == 6)
        }
    }

    @Test func `an end is forgotten after its time`() async throws {
        try await withProcesses({ $0.exitRetention = .milliseconds(1) }) { client in
            let outcome = try await client.run("exit 5")
            let deadline = NIODeadline.now() + patience
            var failure: CallFailure?
            while failure == nil, NIODeadline.now() < deadline {
                failure = try await client.connect(outcome.pid).outcome().failure
            }
            #expect(
                failure
                    == CallFailure(code: "not_found", message: "process with pid \(outcome.pid) not found"))
        }
    }

    // MARK: Terminals

    @Test func `a terminal has a size, which can be changed, and its output is its own`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("stty size; read line; stty size; exit 3") {
                $0.pty.size.cols = 100
                $0.pty.size.rows = 30
            }
            let pid = try await stream.started()
            #expect(try await stream.output(until: "30 100\r\n").hasSuffix("30 100\r\n"))
            _ = try await client.call(ProcessAPI.update) {
                $0.process.pid = pid
                $0.pty.size.cols = 65_536 + 50
                $0.pty.size.rows = 20
            }
            _ = try await client.call(ProcessAPI.sendInput) {
                $0.process.pid = pid
                $0.input.pty = .init("x\n".utf8)
            }
            let outcome = try await stream.outcome()
            #expect(String(buffer: outcome.pty).hasSuffix("20 50\r\n"))
            #expect(outcome.stdout.readableBytes == 0)
            #expect(outcome.stderr.readableBytes == 0)
            #expect(outcome.end?.exitCode == 3)
        }
    }

    @Test func `a process without a terminal has no size`() async throws {
        try await withProcesses { client in
            let stream = try await client.start("read line")
            let pid = try await stream.started()
            _ = try await client.call(ProcessAPI.update) { $0.process.pid = pid }
            #expect(
                await self.failure {
                    _ = try await client.call(ProcessAPI.update) {
                        $0.process.pid = pid
                        $0.pty.size.cols = 1
                    }
                }
                    == CallFailure(
                        code: "internal", message: "error resizing tty: tty not assigned to process"))
        }
    }

    // MARK: What is left

    @Test func `commands leave no descriptor, no zombie and no timer behind`() async throws {
        await #expect(processExitsWith: .success) {
            try await withProcesses({ $0.exitRetention = .milliseconds(1) }) { client in
                func descriptors() -> Int {
                    guard let directory = opendir("/proc/self/fd") else { return -1 }
                    defer { closedir(directory) }
                    var count = 0
                    while readdir(directory) != nil { count += 1 }
                    return count
                }
                func round(_ count: Int) async throws {
                    for number in 0..<count {
                        let stream = try await client.start("echo x; read line; exit \(number % 100)")
                        let pid = try await stream.started()
                        if number % 3 == 0 {
                            try await client.signal(pid, .sigkill)
                        } else {
                            try await client.send("x\n", to: pid)
                        }
                        _ = try await stream.outcome()
                        await stream.client.close()
                    }
                }
                try await round(3)
                let before = descriptors()
                try await round(200)
                // The server closes its end of the last connection a moment after the client.
                let deadline = NIODeadline.now() + patience
                while descriptors() > before, NIODeadline.now() < deadline { _ = try await client.list() }
                #expect(descriptors() <= before)
                #expect(waitpid(-1, nil, WNOHANG) == -1)
                #expect(errno == ECHILD)
            }
        }
    }
}
