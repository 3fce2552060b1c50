import Connect
import EnvdAPI
import EnvdTestSupport
import Glibc
import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import Testing

@testable import GitService

/// Real programs in git's place, and git itself.
@Suite struct RunnerTests {
    private static let path = "/usr/local/bin:/usr/bin:/bin"
    /// Threads for tests that wait, which would otherwise keep the children from being started.
    private static let waiting = BlockingPool(threads: 4)

    /// Runs `body` on the event loop with a runner whose git is found in `path`.
    @discardableResult
    private func withRunner<Result: Sendable>(
        path: String = Self.path, _ change: (inout GitLimits) -> Void = { _ in },
        _ body: @escaping @Sendable (GitRunner, Caller) async throws -> Result
    ) async throws -> Result {
        var limits = GitLimits()
        change(&limits)
        let configuration = GitService.Configuration(searchPath: path, limits: limits)
        let reaper = try await Children.reaper()
        let account = try #require(try Account.withUserID(geteuid()))
        return try await Children.eventLoop.run {
            let runner = GitRunner(
                configuration, defaults: SandboxDefaults(SandboxDefaults.State(user: "root")), reaper: reaper,
                pool: Children.pool, eventLoop: Children.eventLoop)
            return try await body(runner, Caller(account: account))
        }
    }

    @Test func `output, errors and exit are those of git`() async throws {
        try await self.withRunner { runner, caller in
            try await runner.checkVersion(as: caller)
            let version = try await runner.run(
                GitCommand(arguments: ["version"], directory: "/"), as: caller)
            #expect(version.isSuccess && version.line.hasPrefix("git version "))
            let wrong = try await runner.run(
                GitCommand(arguments: ["no-such-command"], directory: "/"), as: caller)
            #expect(wrong.exitCode == 1 && wrong.errorText.contains("no-such-command"))
        }
    }

    @Test(arguments: ["(detached)", "main"])
    func `a detached head is told from a branch of that name`(_ branch: String) async throws {
        try await self.withRunner { runner, caller in
            let directory = try await runner.run("mktemp", ["-d"], as: caller).line
            let session = GitSession(runner: runner, caller: caller, directory: directory)
            let query = session.query("status", "--porcelain=v2", "--branch", "-z")
            try await session.run(session.command("init", "--quiet", "--initial-branch=\(branch)"))
            let born = try await session.status(query)
            #expect(born.currentBranch == branch && !born.detached)
            var commit = session.command("commit", "--quiet", "--allow-empty", "--message=x")
            commit.settings = ["user.name=A", "user.email=a@b"]
            try await session.run(commit)
            try await session.run(session.command("checkout", "--quiet", "--detach"))
            let detached = try await session.status(query)
            #expect(detached.currentBranch.isEmpty && detached.detached)
            _ = try await runner.run("rm", ["-r", directory], as: caller)
        }
    }

    @Test func `locks that git does not speak of, or not by their whole path, are told`() async throws {
        try await self.withRunner { runner, caller in
            let directory = try await runner.run("mktemp", ["-d"], as: caller).line
            let session = GitSession(runner: runner, caller: caller, directory: directory + "/below")
            _ = try await runner.run("git", ["init", "--quiet", directory], as: caller)
            _ = try await runner.run("mkdir", [directory + "/below"], as: caller)
            let silent = GitOutput(standardOutput: [], standardError: [], exit: .exited(1))
            let stash = session.command("stash", "push")
            #expect(try await session.failure(stash, silent).kind == .unspecified)
            for lock in ["refs/stash.lock", "index.lock"] {
                _ = try await runner.run("touch", ["\(directory)/.git/\(lock)"], as: caller)
                let failure = try await session.failure(stash, silent)
                #expect(failure.kind == .lockHeld && failure.lockPath == "\(directory)/.git/\(lock)")
                let query = try await session.failure(session.query("diff"), silent)
                #expect(query.kind == .unspecified)
            }
            _ = try await runner.run("touch", ["\(directory)/.git/config.lock"], as: caller)
            let config = session.command("config", "--local", "x.y", "z")
            let failure = try await session.failure(config, try await session.attempt(config))
            #expect(failure.kind == .lockHeld && failure.lockPath == "\(directory)/.git/config.lock")
            _ = try await runner.run("rm", ["-r", directory + "/.git"], as: caller)
            let outside = try await session.failure(config, try await session.attempt(config))
            #expect(outside.kind == .notARepository && outside.message.contains("not a git repository"))
            _ = try await runner.run("rm", ["-r", directory], as: caller)
        }
    }

    @Test func `input arrives whole, also more than a pipe takes`() async throws {
        try await self.withRunner { runner, caller in
            var command = GitCommand(arguments: ["hash-object", "--stdin"], directory: "/")
            command.input = [UInt8](repeating: 0x78, count: 1 << 20)
            let output = try await runner.run(command, as: caller)
            #expect(output.isSuccess && output.line.count == 40)
            // Not read at all.
            command.arguments = ["version"]
            let after = try await runner.run(command, as: caller)
            #expect(after.isSuccess)
        }
    }

    @Test func `a git that is missing, or a directory, is a typed error`() async throws {
        try await self.withRunner(path: "/nowhere") { runner, caller in
            await #expect { try await runner.checkVersion(as: caller) } throws: {
                ($0 as? ConnectError)?.code == .failedPrecondition
            }
        }
        try await self.withRunner { runner, caller in
            let command = GitCommand(arguments: ["version"], directory: "/nowhere")
            await #expect { try await runner.run(command, as: caller) } throws: {
                ($0 as? ConnectError)?.code == .notFound
            }
        }
    }

    @Test func `too much output ends the command`() async throws {
        try await self.withRunner {
            $0.outputBytes = 1_000
        } _: { runner, caller in
            var command = GitCommand(arguments: ["stripspace"], directory: "/")
            command.input = [UInt8](repeating: 0x78, count: 100_000)
            await #expect { try await runner.run(command, as: caller) } throws: {
                ($0 as? ConnectError)?.code == .resourceExhausted
            }
        }
    }

    @Test func `of errors the newest bytes are kept`() async throws {
        try await self.withRunner {
            $0.errorBytes = 100
        } _: { runner, caller in
            let output = try await runner.run(
                "sh", ["-c", "head -c 5000 /dev/zero >&2; printf end >&2"], as: caller)
            #expect(output.standardError.count == 100 && output.errorText.hasSuffix("end"))
        }
    }

    @Test func `a cancelled command and what it started are ended`() async throws {
        let fifo = try Fifo()
        try await self.withRunner {
            $0.grace = .milliseconds(50)
        } _: { runner, caller in
            let script = "sh -c 'trap \"\" TERM; echo started >\(fifo.path); exec sleep 600' & wait"
            let running = Task(executorPreference: EventLoopTaskExecutor(Children.eventLoop)) {
                try await runner.run("sh", ["-c", script], as: caller)
            }
            await Self.waiting.run { fifo.waitForWriter() }
            running.cancel()
            await #expect(throws: ConnectError.self) { _ = try await running.value }
        }
    }

    @Test func `what a cancelled command has started may tidy up after its end`() async throws {
        let fifo = try Fifo()
        try await self.withRunner {
            // However slow the machine is: that the time has an end is what the next test looks at.
            $0.grace = .minutes(1)
        } _: { runner, caller in
            let file = try await runner.run("mktemp", [], as: caller).line
            let tidy = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; rm \(file); exit"
            // It does not wait for another process: a signal that comes before the wait would not end it.
            let child = "trap '\(tidy)' TERM; echo started >\(fifo.path); while :; do :; done"
            let running = Task(executorPreference: EventLoopTaskExecutor(Children.eventLoop)) {
                // The command itself ends at once.
                try await runner.run(
                    "sh", ["-c", "sh -c \"$1\" & exec sleep 600", "sh", child], as: caller)
            }
            await Self.waiting.run { fifo.waitForWriter() }
            running.cancel()
            await #expect(throws: ConnectError.self) { _ = try await running.value }
            #expect(access(file, F_OK) == -1)
        }
    }

    @Test func `SIGKILL follows when SIGTERM is ignored`() async throws {
        let fifo = try Fifo()
        try await self.withRunner {
            $0.grace = .milliseconds(50)
        } _: { runner, caller in
            let script = "trap '' TERM; echo started >\(fifo.path); while :; do sleep 600; done"
            let running = Task(executorPreference: EventLoopTaskExecutor(Children.eventLoop)) {
                try await runner.run("sh", ["-c", script], as: caller)
            }
            await Self.waiting.run { fifo.waitForWriter() }
            running.cancel()
            await #expect(throws: ConnectError.self) { _ = try await running.value }
        }
    }

    @Test func `what is left running with the pipes open is not waited for`() async throws {
        try await self.withRunner { runner, caller in
            let output = try await runner.run("sh", ["-c", "sleep 600 & echo $!"], as: caller)
            let left = try #require(Int32(output.line))
            #expect(kill(left, SIGKILL) == 0)
        }
    }

    @Test func `more commands at once than the limit are refused`() async throws {
        let fifo = try Fifo()
        try await self.withRunner {
            $0.commands = 1
        } _: { runner, caller in
            let running = Task(executorPreference: EventLoopTaskExecutor(Children.eventLoop)) {
                try await runner.run("sh", ["-c", "echo started >\(fifo.path); exec sleep 600"], as: caller)
            }
            await Self.waiting.run { fifo.waitForWriter() }
            let command = GitCommand(arguments: ["version"], directory: "/")
            await #expect { try await runner.run(command, as: caller) } throws: {
                ($0 as? ConnectError)?.code == .resourceExhausted
            }
            running.cancel()
            _ = try? await running.value
            let after = try await runner.run(command, as: caller)
            #expect(after.isSuccess)
        }
    }
}
