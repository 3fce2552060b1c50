import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Which file a command runs, and what happens if there is none.
@Suite struct SpawnExecTests {
    let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// Makes `name` in a directory of its own, for a PATH; it prints `says`.
    private func program(_ name: String, in folder: String, says: String, mode: UInt32 = 0o755) throws
        -> String
    {
        let path = try self.directory.directory(folder, mode: 0o755)
        _ = try self.directory.file("\(folder)/\(name)", "#!/bin/sh\necho \(says)\n", mode: mode)
        return path
    }

    private func shellLike(_ command: String, _ environment: [String] = []) throws -> FinishedChild {
        try FinishedChild.run(
            SpawnRequest(command: command, environment: environment, execFailure: .exitLikeShell))
    }

    // MARK: - The search

    @Test func `a name is looked for in PATH, in order`() throws {
        let first = try self.program("tool", in: "first", says: "first")
        let second = try self.program("tool", in: "second", says: "second")
        for (path, says) in [("\(first):\(second)", "first\n"), ("\(second):\(first)", "second\n")] {
            let request = SpawnRequest(command: "tool", environment: ["A=1", "PATH=\(path)", "PATH=/"])
            #expect(try FinishedChild.run(request).output == says)
        }
    }

    @Test func `a PATH element that leads nowhere is passed over`() throws {
        let last = try self.program("tool", in: "last", says: "found")
        let long = String(repeating: "x", count: 5_000)
        let path = "/nonexistent:/dev/null:/\(long):\(last)"
        let request = SpawnRequest(command: "tool", environment: ["PATH=\(path)"])
        #expect(try FinishedChild.run(request).output == "found\n")
    }

    @Test(arguments: ["PATH=", "PATH=/nonexistent:", "PATH=:/nonexistent", "PATH=/nonexistent::/dev"])
    func `an empty PATH element is the child's working directory`(path: String) throws {
        let here = try self.program("tool", in: "here", says: "found")
        let request = SpawnRequest(command: "tool", environment: [path], workingDirectory: here)
        #expect(try FinishedChild.run(request).output == "found\n")
    }

    @Test func `without PATH the usual directories are searched`() throws {
        #expect(try FinishedChild.run(SpawnRequest(command: "echo", arguments: ["hi"])).output == "hi\n")
    }

    @Test func `a command with a slash is not looked for`() throws {
        let here = try self.program("tool", in: "here", says: "found")
        let request = SpawnRequest(
            command: "here/tool", environment: ["PATH=/nonexistent"], workingDirectory: self.directory.path)
        #expect(try FinishedChild.run(request).output == "found\n")
        let failure = FinishedChild.failure(
            of: SpawnRequest(command: "./tool", environment: ["PATH=\(here)"]))
        #expect(failure == SpawnFailure(stage: .exec, errno: .noSuchFileOrDirectory))
    }

    @Test func `a file that may not run is passed over`() throws {
        let closed = try self.program("tool", in: "closed", says: "closed", mode: 0o644)
        let open = try self.program("tool", in: "open", says: "open")
        let request = SpawnRequest(command: "tool", environment: ["PATH=\(closed):\(open)"])
        #expect(try FinishedChild.run(request).output == "open\n")
    }

    @Test func `a file that may not run is remembered`() throws {
        let closed = try self.program("tool", in: "closed", says: "closed", mode: 0o644)
        let request = SpawnRequest(command: "tool", environment: ["PATH=/nonexistent:\(closed):/nonexistent"])
        #expect(FinishedChild.failure(of: request) == SpawnFailure(stage: .exec, errno: .permissionDenied))
    }

    @Test(Requirement.root) func `the search sees what the user may see`() throws {
        let mine = try self.program("tool", in: "mine", says: "root")
        let all = try self.program("tool", in: "all", says: "everybody")
        #expect(chmod(mine, 0o700) == 0)
        var request = SpawnRequest(command: "tool", environment: ["PATH=\(mine):\(all)"])
        #expect(try FinishedChild.run(request).output == "root\n")
        request.credentials = Credentials(uid: 54_321, gid: 54_321, groups: [])
        #expect(try FinishedChild.run(request).output == "everybody\n")
    }

    // MARK: - Files of unknown format

    @Test(Requirement.root)
    func `a directory that the user may not enter does not make a missing command denied`() throws {
        let closed = "\(self.directory.path)/closed"
        #expect(mkdir(closed, 0o700) == 0)
        let request = SpawnRequest(
            command: "no-such-command", environment: ["PATH=\(closed):/nonexistent"],
            credentials: Credentials(uid: 54_321, gid: 54_321, groups: []), execFailure: .exitLikeShell)
        let child = try FinishedChild.run(request)
        #expect(child.record.exit == .exited(127))
        #expect(child.errorOutput == "envd: no-such-command: No such file or directory\n")
    }

    @Test func `a file of unknown format is a script of the shell`() throws {
        let script = try self.directory.file("script", #"printf '%s|' "$0" "$@""#, mode: 0o755)
        let request = SpawnRequest(command: script, arguments: ["a b", "", "c"])
        #expect(try FinishedChild.run(request).output == "\(script)|a b||c|")
    }

    @Test func `a script that PATH leads to is given its whole path`() throws {
        let script = try self.directory.file("script", "echo $0", mode: 0o755)
        let request = SpawnRequest(
            command: "script", environment: ["PATH=/nonexistent:\(self.directory.path)"])
        #expect(try FinishedChild.run(request).output == "\(script)\n")
    }

    // MARK: - Failure like a shell

    @Test(arguments: ["/nonexistent/command", "no-such-command", "/dev/null/command", ""])
    func `a missing command exits with 127`(command: String) throws {
        let child = try self.shellLike(command)
        let reason = command.hasPrefix("/dev/null") ? "Not a directory" : "No such file or directory"
        #expect(child.record.exit == .exited(127))
        #expect(child.errorOutput == "envd: \(command): \(reason)\n")
        #expect(child.output == "")
    }

    @Test func `a missing interpreter exits with 127`() throws {
        let script = try self.directory.file("script", "#!/nonexistent\n", mode: 0o755)
        let child = try self.shellLike(script)
        #expect(child.record.exit == .exited(127))
        #expect(child.errorOutput == "envd: \(script): No such file or directory\n")
    }

    @Test func `a command that may not run exits with 126`() throws {
        let closed = try self.directory.file("closed", "echo\n", mode: 0o644)
        let loop = "\(self.directory.path)/loop"
        #expect(symlink("loop", loop) == 0)
        let long = String(repeating: "n", count: 300)
        let expected = [
            (closed, "Permission denied"), ("/tmp", "Permission denied"),
            (loop, "Too many levels of symbolic links"),
            (long, "File name too long"),
        ]
        for (command, reason) in expected {
            let child = try self.shellLike(command)
            #expect(child.record.exit == .exited(126))
            #expect(child.errorOutput == "envd: \(command): \(reason)\n")
        }
    }

    @Test func `a command that is being written to exits with 126`() async {
        // In a process of its own: a child of another test could keep the file open for a moment.
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let busy = try directory.file("busy", "#!/bin/sh\n", mode: 0o755)
            let writer = try OwnedDescriptor.open(busy, flags: O_WRONLY)
            let child = try FinishedChild.run(SpawnRequest(command: busy, execFailure: .exitLikeShell))
            #expect(child.record.exit == .exited(126))
            #expect(child.errorOutput == "envd: \(busy): Text file busy\n")
            try writer.close()
        }
    }

    @Test func `the message shows a long command's beginning and blocks nobody`() throws {
        let command = "/" + String(repeating: "long/", count: 100_000)
        let child = try self.shellLike(command)
        #expect(child.record.exit == .exited(126))
        #expect(child.errorOutput == "envd: \(command.prefix(1_024)): File name too long\n")
    }

    @Test func `on a terminal the message comes through it`() throws {
        let request = SpawnRequest(
            command: "no-such-command", terminal: TerminalSize(columns: 80, rows: 24),
            execFailure: .exitLikeShell)
        let child = try FinishedChild.run(request)
        #expect(child.record.exit == .exited(127))
        #expect(child.output == "envd: no-such-command: No such file or directory\r\n")
    }

    // MARK: - Failure that is reported

    @Test func `a missing command is reported if asked for`() {
        #expect(
            FinishedChild.failure(of: SpawnRequest(command: "no-such-command"))
                == SpawnFailure(stage: .exec, errno: .noSuchFileOrDirectory))
        #expect(
            FinishedChild.failure(of: SpawnRequest(command: ""))
                == SpawnFailure(stage: .exec, errno: .noSuchFileOrDirectory))
    }

    @Test(arguments: [SpawnRequest.ExecFailure.report, .exitLikeShell])
    func `arguments beyond the kernel's limit are reported`(execFailure: SpawnRequest.ExecFailure) {
        let long = String(repeating: "x", count: 200_000)
        let many = [String](repeating: String(repeating: "y", count: 100_000), count: 100)
        for (arguments, environment) in [([long], []), ([], [long]), (many, []), ([], many)] {
            let request = SpawnRequest(
                command: "true", arguments: arguments, environment: environment, execFailure: execFailure)
            #expect(FinishedChild.failure(of: request) == SpawnFailure(stage: .exec, errno: .argListTooLong))
        }
    }

    @Test(Requirement.root) func `a user with too many processes is reported`() throws {
        let user = Credentials(uid: 54_323, gid: 54_323, groups: [])
        var first = try SpawnedProcess.spawn(
            SpawnRequest(command: "cat", credentials: user, standardInput: .pipe))
        let request = SpawnRequest(
            command: "true", credentials: user,
            resourceLimits: [ResourceLimit(resource: CInt(__RLIMIT_NPROC.rawValue), soft: 0, hard: 0)],
            execFailure: .exitLikeShell)
        #expect(
            FinishedChild.failure(of: request)
                == SpawnFailure(stage: .exec, errno: .resourceTemporarilyUnavailable))
        _ = first.standardInput.take()
        _ = try waitForEnd(of: first)
    }

    @Test func `a NUL is refused before anything is made`() {
        let requests = [
            SpawnRequest(command: "tr\0ue", execFailure: .exitLikeShell),
            SpawnRequest(command: "true", arguments: ["a", "b\0"], execFailure: .exitLikeShell),
            SpawnRequest(command: "true", environment: ["A=\0"], execFailure: .exitLikeShell),
            SpawnRequest(command: "true", workingDirectory: "/\0", execFailure: .exitLikeShell),
        ]
        for request in requests {
            #expect(
                FinishedChild.failure(of: request) == SpawnFailure(stage: .arguments, errno: .invalidArgument)
            )
        }
    }
}
