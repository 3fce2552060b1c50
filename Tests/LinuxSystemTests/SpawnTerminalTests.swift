import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// A child in a pseudo-terminal.
@Suite struct SpawnTerminalTests {
    private let request = SpawnRequest(command: "", terminal: TerminalSize(columns: 123, rows: 45))

    @Test func `the terminal has its size from the start`() throws {
        #expect(try FinishedChild.run(script: "stty size", self.request).output == "45 123\r\n")
    }

    @Test func `the terminal is descriptors 0, 1 and 2, and nothing else is open`() throws {
        let lines = try FinishedChild.run(
            script: "for i in 0 1 2; do readlink /proc/$$/fd/$i; done; tty; ls -1 /proc/self/fd", self.request
        ).output.split(separator: "\r\n")
        #expect(lines.count == 8)
        #expect(Set(lines.prefix(4)).count == 1)
        #expect(lines.first?.hasPrefix("/dev/pts/") == true)
        #expect(lines.dropFirst(4) == ["0", "1", "2", "3"])
    }

    @Test func `the terminal controls the child, which leads a session`() throws {
        let child = try FinishedChild.run(
            script: "echo hello >/dev/tty; ps -o sid=,pgid=,tpgid= -p $$", self.request)
        let words = child.output.split(whereSeparator: \.isWhitespace)
        let processID = "\(child.processID)"
        #expect(words.first == "hello")
        // ps runs in the shell's process group: without job control there is one.
        #expect(words.dropFirst().map(String.init) == [processID, processID, processID])
    }

    @Test func `the interrupt character reaches the child as a signal`() throws {
        let child = try FinishedChild.run(script: "echo ready; exec cat", self.request, input: "\u{3}")
        #expect(child.record.exit == .signaled(SIGINT, coreDumped: false))
    }

    @Test func `a child without the master is hung up`() throws {
        var process = try SpawnedProcess.spawn(
            SpawnRequest(command: "cat", terminal: TerminalSize(columns: 80, rows: 24)))
        _ = process.terminal.take()
        #expect(try waitForEnd(of: process).exit == .signaled(SIGHUP, coreDumped: false))
    }

    @Test func `a new size is seen by the child`() throws {
        var process = try SpawnedProcess.spawn(
            SpawnRequest(
                command: "/bin/sh", arguments: ["-c", "stty -echo; read line; stty size"],
                terminal: TerminalSize(columns: 80, rows: 24)))
        let master = try present(process.terminal.take())
        try TerminalSize(columns: 200, rows: 50).apply(to: master)
        try send("\n", to: master)
        #expect(try readToEnd(master).hasSuffix("50 200\r\n"))
        _ = try waitForEnd(of: process)
    }

    @Test func `the parent has only the master, non-blocking`() throws {
        var process = try SpawnedProcess.spawn(
            SpawnRequest(
                command: "/bin/sh", arguments: ["-c", "grep ^flags /proc/$$/fdinfo/0; read line"],
                terminal: TerminalSize(columns: 80, rows: 24)))
        let hasPipes =
            process.standardInput != nil || process.standardOutput != nil || process.standardError != nil
        #expect(!hasPipes)
        let master = try present(process.terminal.take())
        #expect(fcntl(master.rawValue, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(master.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        try send("\n", to: master)
        let flags = try #require(
            try readToEnd(master).split(whereSeparator: \.isWhitespace).compactMap { Int32($0, radix: 8) }
                .first)
        #expect(flags & O_NONBLOCK == 0)
        _ = try waitForEnd(of: process)
    }

    @Test(Requirement.root) func `the terminal belongs to the user, and the group tty may write`() throws {
        var request = self.request
        request.credentials = Credentials(uid: 54_321, gid: 54_322, groups: [])
        let child = try FinishedChild.run(script: "stat -c '%u %G %a' $(tty); echo again >$(tty)", request)
        #expect(child.output == "54321 tty 620\r\nagain\r\n")
    }

    @Test func `no terminal left is reported as that`() async {
        await #expect(processExitsWith: .success) {
            var old = rlimit()
            #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old) == 0)
            var new = rlimit(rlim_cur: 3, rlim_max: old.rlim_max)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &new) == 0)
            let failure = FinishedChild.failure(
                of: SpawnRequest(command: "/bin/true", terminal: TerminalSize(columns: 1, rows: 1)))
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old) == 0)
            #expect(failure == SpawnFailure(stage: .terminal, errno: .tooManyOpenFiles))
        }
    }
}
