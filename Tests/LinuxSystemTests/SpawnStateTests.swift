import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

/// What a child finds itself to be: who, where, with which limits.
@Suite struct SpawnStateTests {
    let stranger = Credentials(uid: 54_321, gid: 54_322, groups: [54_322, 7, 65_000])

    @Test func `arguments arrive byte for byte, the command as argument 0`() throws {
        let arguments = ["", " a  b ", "-c", "$HOME", "\\n\"'", "héllo ✓", "\u{1}\u{7f}\n", "--"]
        let child = try FinishedChild.run(
            SpawnRequest(command: "cat", arguments: ["/proc/self/cmdline"]))
        #expect(child.output == "cat\0/proc/self/cmdline\0")
        let echoed = try FinishedChild.run(
            script: #"printf '%s\0' "$0" "$@""#,
            SpawnRequest(command: "", arguments: ["zero"] + arguments))
        #expect(echoed.output == (["zero"] + arguments).map { $0 + "\0" }.joined())
    }

    @Test func `the environment is exactly the one given`() throws {
        let environment = ["B=2", "A=1", "EMPTY=", "ODD", "SPACE= x y ", "ÜMLAUT=ü"]
        let request = SpawnRequest(
            command: "/bin/cat", arguments: ["/proc/self/environ"], environment: environment)
        #expect(try FinishedChild.run(request).output == environment.map { $0 + "\0" }.joined())
    }

    @Test(Requirement.root) func `credentials replace every ID and all groups`() throws {
        let status = try FinishedChild.status(SpawnRequest(command: "", credentials: self.stranger))
        #expect(status["Uid"] == "54321 54321 54321 54321")
        #expect(status["Gid"] == "54322 54322 54322 54322")
        #expect(status["Groups"] == "7 54322 65000")
        #expect(status["CapEff"] == "0000000000000000")
        #expect(status["CapPrm"] == "0000000000000000")
    }

    @Test(Requirement.root) func `an empty list of groups leaves no group`() throws {
        let credentials = Credentials(uid: 54_321, gid: 54_322, groups: [])
        let status = try FinishedChild.status(SpawnRequest(command: "", credentials: credentials))
        #expect(status["Groups"] == "")
    }

    @Test func `without credentials the child keeps the parent's`() throws {
        let status = try FinishedChild.status()
        #expect(status["Uid"]?.hasPrefix("\(getuid()) \(geteuid()) ") == true)
        #expect(status["Gid"]?.hasPrefix("\(getgid()) \(getegid()) ") == true)
    }

    @Test(Requirement.root) func `who may not change credentials is told so`() async {
        await #expect(processExitsWith: .success) {
            #expect(setuid(54_321) == 0)
            let request = SpawnRequest(
                command: "/bin/true", credentials: Credentials(uid: 54_322, gid: 54_322, groups: []))
            #expect(
                FinishedChild.failure(of: request) == SpawnFailure(stage: .credentials, errno: .notPermitted))
        }
    }

    @Test func `the working directory is entered`() throws {
        let directory = try TemporaryDirectory()
        let request = SpawnRequest(command: "/bin/pwd", workingDirectory: directory.path)
        #expect(try FinishedChild.run(request).output == "\(directory.path)\n")
    }

    @Test func `without a working directory the child keeps the parent's`() throws {
        let request = SpawnRequest(
            command: "/bin/readlink", arguments: ["/proc/self/cwd", "/proc/\(getpid())/cwd"])
        let lines = try FinishedChild.run(request).output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first == lines.last)
    }

    @Test(Requirement.root) func `the working directory is entered as the user`() throws {
        let directory = try TemporaryDirectory()
        let closed = try directory.directory("closed", mode: 0o700)
        var request = SpawnRequest(command: "/bin/pwd", workingDirectory: closed)
        #expect(try FinishedChild.run(request).output == "\(closed)\n")
        request.credentials = self.stranger
        request.execFailure = .exitLikeShell
        #expect(
            FinishedChild.failure(of: request)
                == SpawnFailure(stage: .workingDirectory, errno: .permissionDenied))
    }

    @Test(arguments: [("/nonexistent", Errno.noSuchFileOrDirectory), ("/dev/null", .notDirectory)])
    func `a working directory that is none is reported`(path: String, errno: Errno) {
        let request = SpawnRequest(command: "/bin/pwd", workingDirectory: path)
        #expect(FinishedChild.failure(of: request) == SpawnFailure(stage: .workingDirectory, errno: errno))
    }

    @Test func `a working directory cannot be reached through the parent's descriptors`() async throws {
        await #expect(processExitsWith: .success) {
            let root = try OwnedDescriptor.open("/", flags: O_RDONLY | O_DIRECTORY)
            let request = SpawnRequest(
                command: "/bin/pwd", workingDirectory: "/proc/self/fd/\(root.rawValue)")
            #expect(
                FinishedChild.failure(of: request)
                    == SpawnFailure(stage: .workingDirectory, errno: .noSuchFileOrDirectory))
        }
    }

    @Test(arguments: [(0o022, "0022"), (0o077, "0077"), (0, "0000")])
    func `the umask is set`(mask: UInt32, shown: String) throws {
        #expect(try FinishedChild.status(SpawnRequest(command: "", fileModeMask: mask))["Umask"] == shown)
    }

    @Test func `the umask is 022 whatever the parent's is`() async {
        await #expect(processExitsWith: .success) {
            umask(0o777)
            let status = try FinishedChild.status()
            #expect(status["Umask"] == "0022")
        }
    }

    @Test(Requirement.root) func `resource limits are set`() throws {
        let request = SpawnRequest(
            command: "/bin/cat", arguments: ["/proc/self/limits"],
            resourceLimits: [
                ResourceLimit(resource: CInt(RLIMIT_NOFILE.rawValue), soft: 123, hard: 456),
                ResourceLimit(resource: CInt(RLIMIT_FSIZE.rawValue), soft: 1 << 40, hard: .max),
            ])
        let lines = try FinishedChild.run(request).output.split(separator: "\n")
            .map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("Max open files 123 456 files"))
        #expect(lines.contains("Max file size 1099511627776 unlimited bytes"))
    }

    @Test func `a resource limit that makes no sense is reported`() {
        let limit = ResourceLimit(resource: CInt(RLIMIT_NOFILE.rawValue), soft: 2, hard: 1)
        #expect(
            FinishedChild.failure(of: SpawnRequest(command: "/bin/true", resourceLimits: [limit]))
                == SpawnFailure(stage: .limits, errno: .invalidArgument))
    }

    @Test(Requirement.root) func `niceness, I/O priority and OOM score are absolute`() async {
        await #expect(processExitsWith: .success) {
            #expect(setpriority(CInt(PRIO_PROCESS.rawValue), 0, 5) == 0)
            let script = "nice; ionice; cat /proc/self/oom_score_adj"
            let usual = try FinishedChild.run(script: script)
            #expect(usual.output == "0\nbest-effort: prio 4\n100\n")
            let request = SpawnRequest(
                command: "", niceness: -7, ioPriority: 6, oomScoreAdjustment: 250)
            let asked = try FinishedChild.run(script: script, request)
            #expect(asked.output == "-7\nbest-effort: prio 6\n250\n")
            // The parent's own did not change.
            #expect(getpriority(CInt(PRIO_PROCESS.rawValue), 0) == 5)
        }
    }

    // After that, /proc/self belongs to root: the memory is still the parent's.
    @Test(Requirement.root) func `the OOM score is set before the credentials are dropped`() throws {
        let request = SpawnRequest(command: "", credentials: self.stranger, oomScoreAdjustment: 300)
        #expect(try FinishedChild.run(script: "cat /proc/self/oom_score_adj", request).output == "300\n")
    }

    @Test(Requirement.root) func `no spawn fails for want of niceness, I/O priority or OOM score`() async {
        await #expect(processExitsWith: .success) {
            #expect(setuid(54_321) == 0)
            let request = SpawnRequest(
                command: "", niceness: -20, ioPriority: 99, oomScoreAdjustment: -1_000)
            let child = try FinishedChild.run(script: "nice", request)
            #expect(child.output == "0\n")
        }
    }

    @Test func `a child has a process group of its own unless told otherwise`() throws {
        let child = try FinishedChild.run(script: "grep -E '^NS(pgid|sid)' /proc/$$/status")
        #expect(child.output == "NSpgid:\t\(child.processID)\nNSsid:\t\(getsid(0))\n")
    }

    @Test func `a child can stay in the parent's process group`() throws {
        let request = SpawnRequest(command: "", processGroup: .inherit)
        let child = try FinishedChild.run(script: "grep -E '^NS(pgid|sid)' /proc/$$/status", request)
        #expect(child.output == "NSpgid:\t\(getpgrp())\nNSsid:\t\(getsid(0))\n")
    }

    @Test func `a child can have a session of its own`() throws {
        let request = SpawnRequest(command: "", processGroup: .session)
        let child = try FinishedChild.run(script: "grep -E '^NS(pgid|sid)' /proc/$$/status", request)
        #expect(child.output == "NSpgid:\t\(child.processID)\nNSsid:\t\(child.processID)\n")
    }

    @Test func `signals are at their defaults and none is blocked, whatever the parent does`() async {
        await #expect(processExitsWith: .success) {
            for number in [SIGPIPE, SIGINT, SIGCHLD, SIGHUP, 33, 34, 50, 64] { signal(number, SIG_IGN) }
            let events = try SignalEvents(signals: [SIGUSR1, SIGTERM, 40])
            var blocked = sigset_t()
            sigfillset(&blocked)
            sigdelset(&blocked, SIGUSR2)
            #expect(pthread_sigmask(SIG_SETMASK, &blocked, nil) == 0)
            signal(SIGCHLD, SIG_DFL)  // Ignored, it would reap the child.
            let status = try FinishedChild.status()
            for line in ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"] {
                #expect(status[line] == "0000000000000000", "\(line)")
            }
            // The parent's mask is as before.
            var mask = sigset_t()
            #expect(pthread_sigmask(SIG_BLOCK, nil, &mask) == 0)
            #expect(sigismember(&mask, SIGTERM) == 1)
            #expect(sigismember(&mask, SIGUSR2) == 0)
            #expect(events.drain() == [])
        }
    }

    @Test(Requirement.cgroups) func `a child is born in its cgroup`() throws {
        let cgroup = try Cgroup()
        let request = SpawnRequest(
            command: "/bin/grep", arguments: ["^0::", "/proc/self/cgroup"],
            cgroup: cgroup.descriptor.rawValue)
        #expect(try FinishedChild.run(request).output == "0::/\(cgroup.name)\n")
    }

    @Test func `a cgroup that is none is reported`() throws {
        let directory = try OwnedDescriptor.open("/", flags: O_RDONLY | O_DIRECTORY)
        let request = SpawnRequest(command: "/bin/true", cgroup: directory.rawValue)
        #expect(FinishedChild.failure(of: request) == SpawnFailure(stage: .clone, errno: .badFileDescriptor))
    }

    @Test func `a child outlives the thread that spawned it`() throws {
        let spawned = Mutex<SpawnedProcess?>(nil)
        inThreads(1) {
            let request = SpawnRequest(
                command: "/bin/sh", arguments: ["-c", "read line; exit 7"], standardInput: .pipe)
            spawned.withLock { $0 = try? SpawnedProcess.spawn(request) }
        }
        guard var process = spawned.withLock({ $0.take() }) else {
            Issue.record("not spawned")
            return
        }
        _ = process.standardInput.take()
        #expect(try waitForEnd(of: process).exit == .exited(7))
    }
}
