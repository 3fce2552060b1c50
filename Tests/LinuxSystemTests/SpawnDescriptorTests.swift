import CSyscallFilter
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

/// What a child has open, what its parent keeps, and what is left behind.
@Suite struct SpawnDescriptorTests {
    /// Lists its own descriptors; 3 is the directory that it reads.
    private static let listing = SpawnRequest(command: "/bin/ls", arguments: ["/proc/self/fd"])
    private static let onlyStandard = "0\n1\n2\n3\n"

    /// Opens descriptors that a child would inherit.
    private static func openInheritable() {
        for descriptor: CInt in [3, 57, 300] {
            #expect(fcntl(0, F_DUPFD, descriptor) >= descriptor)
        }
    }

    @Test func `a child sees only descriptors 0, 1 and 2`() async {
        await #expect(processExitsWith: .success) {
            Self.openInheritable()
            let child = try FinishedChild.run(Self.listing)
            #expect(child.output == Self.onlyStandard)
        }
    }

    @Test func `a child sees only descriptors 0, 1 and 2 where close_range is unknown`() async {
        await #expect(processExitsWith: .success) {
            Self.openInheritable()
            #expect(csyscall_filter_refuse_close_range(ENOSYS) == 0)
            let child = try FinishedChild.run(Self.listing)
            #expect(child.output == Self.onlyStandard)
        }
    }

    @Test func `a child gets its descriptors even if the parent has none of its own`() async {
        await #expect(processExitsWith: .success) {
            // Kept for the test library's output.
            let saved = (0..<3).map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
            for descriptor: CInt in 0..<3 { close(descriptor) }
            let child = try? FinishedChild.run(
                script: "cat; echo out; echo err >&2",
                SpawnRequest(command: "", standardInput: .pipe), input: "in ")
            let listed = try? FinishedChild.run(Self.listing)
            for (descriptor, copy) in saved.enumerated() { dup2(copy, CInt(descriptor)) }
            #expect(child?.output == "in out\n")
            #expect(child?.errorOutput == "err\n")
            #expect(listed?.output == Self.onlyStandard)
        }
    }

    @Test func `a child inherits the descriptors that it is given, in their order, and no others`() async {
        await #expect(processExitsWith: .success) {
            Self.openInheritable()
            let one = try MemoryFile(Array("one".utf8))
            let two = try MemoryFile(Array("two".utf8))
            for refusesCloseRange in [false, true] {
                if refusesCloseRange { #expect(csyscall_filter_refuse_close_range(ENOSYS) == 0) }
                for file in [one, two] { lseek(file.rawDescriptor, 0, SEEK_SET) }
                let child = try FinishedChild.run(
                    script: "cat <&4; cat <&3; ls /proc/self/fd",
                    SpawnRequest(command: "", inherited: [one.rawDescriptor, two.rawDescriptor]))
                // 5 is the directory that ls reads.
                #expect(child.output == "twoone0\n1\n2\n3\n4\n5\n")
                #expect(child.errorOutput == "")
            }
        }
    }

    @Test func `what a child inherits may have any numbers in the parent`() async {
        await #expect(processExitsWith: .success) {
            // A thread with descriptors of its own: the test library has some of these numbers.
            let output = Mutex("")
            inThreads(1) {
                #expect(csyscall_own_descriptors() == 0)
                let numbers: [CInt] = [3, 4, 5, 6]
                for number in numbers { dup2(0, number) }
                guard let files = try? numbers.map({ try MemoryFile(Array("\($0)".utf8)) }) else { return }
                for (number, file) in zip(numbers, files) {
                    lseek(file.rawDescriptor, 0, SEEK_SET)
                    dup2(file.rawDescriptor, number)
                }
                let child = try? FinishedChild.run(
                    script: "for i in 3 4 5 6; do eval \"cat <&$i\"; done",
                    SpawnRequest(command: "", inherited: [6, 3, 5, 4]))
                // A file's end would clear it.
                withExtendedLifetime(files) { output.withLock { $0 = child?.output ?? "" } }
            }
            #expect(output.withLock { $0 } == "6354")
        }
    }

    @Test func `more than the most descriptors are refused`() {
        let request = SpawnRequest(
            command: "/bin/true", inherited: [CInt](repeating: 0, count: SpawnRequest.mostInherited + 1))
        #expect(
            FinishedChild.failure(of: request) == SpawnFailure(stage: .descriptors, errno: .invalidArgument))
    }

    @Test func `descriptor 0 is the null device unless a pipe is asked for`() throws {
        var request = SpawnRequest(command: "readlink", arguments: ["/proc/self/fd/0"])
        #expect(try FinishedChild.run(request).output == "/dev/null\n")
        request.standardInput = .pipe
        #expect(try FinishedChild.run(request).output.hasPrefix("pipe:["))
        let process = try SpawnedProcess.spawn(SpawnRequest(command: "/bin/true"))
        let hasInput = process.standardInput != nil
        #expect(!hasInput)
        _ = try waitForEnd(of: process)
    }

    @Test func `the three streams are separate`() throws {
        let child = try FinishedChild.run(
            script: "cat; echo wrong >&2", SpawnRequest(command: "", standardInput: .pipe), input: "right")
        #expect(child.output == "right")
        #expect(child.errorOutput == "wrong\n")
    }

    @Test func `the child's descriptors are blocking, the parent's are not`() throws {
        let script = "for i in 0 1 2; do grep ^flags /proc/self/fdinfo/$i; done; read line"
        var process = try SpawnedProcess.spawn(
            SpawnRequest(command: "/bin/sh", arguments: ["-c", script], standardInput: .pipe))
        let input = try present(process.standardInput.take())
        let output = try present(process.standardOutput.take())
        let errors = try present(process.standardError.take())
        for descriptor in [input.rawValue, output.rawValue, errors.rawValue] {
            #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
            #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        }
        try input.close()
        let flags = try readToEnd(output).split(whereSeparator: \.isWhitespace).compactMap {
            Int32($0, radix: 8)
        }
        #expect(flags.count == 3)
        for flag in flags { #expect(flag & O_NONBLOCK == 0) }
        #expect(try waitForEnd(of: process).exit == .exited(1))
    }

    @Test func `1,000 spawns leave no descriptor and no zombie`() async {
        await #expect(processExitsWith: .success) {
            _ = try FinishedChild.run(SpawnRequest(command: "/bin/true"))
            let before = ProcessState.descriptorCount()
            #expect(before > 2)
            for index in 0..<1_000 {
                let request = SpawnRequest(
                    command: "/bin/true", standardInput: index.isMultiple(of: 2) ? .pipe : .null,
                    terminal: index.isMultiple(of: 10) ? TerminalSize(columns: 1, rows: 1) : nil)
                #expect(try waitForEnd(of: SpawnedProcess.spawn(request)).exit == .exited(0))
            }
            #expect(ProcessState.descriptorCount() == before)
            #expect(!ProcessState.hasChildren())
        }
    }

    @Test func `failed spawns leave no descriptor, no memory and no zombie`() async {
        await #expect(processExitsWith: .success) {
            let requests = [
                SpawnRequest(command: "no-such-command", standardInput: .pipe),
                SpawnRequest(command: "true", arguments: ["\0"]),
                SpawnRequest(command: "true", workingDirectory: "/nonexistent"),
                SpawnRequest(command: "true", terminal: TerminalSize(columns: 1, rows: 1), cgroup: 0),
            ]
            for request in requests {
                #expect(FinishedChild.failure(of: request) != nil)
            }
            let before = ProcessState.descriptorCount()
            let mappings = ProcessState.mappingCount()
            for index in 0..<400 {
                #expect(FinishedChild.failure(of: requests[index % 4]) != nil)
            }
            #expect(ProcessState.descriptorCount() == before)
            #expect(ProcessState.mappingCount() < mappings + 50)
            #expect(!ProcessState.hasChildren())
        }
    }

    @Test func `when there are no descriptors left, the pipe is what failed`() async {
        await #expect(processExitsWith: .success) {
            var old = rlimit()
            #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old) == 0)
            var new = rlimit(rlim_cur: 3, rlim_max: old.rlim_max)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &new) == 0)
            let failure = FinishedChild.failure(of: SpawnRequest(command: "/bin/true"))
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old) == 0)
            #expect(failure == SpawnFailure(stage: .pipe, errno: .tooManyOpenFiles))
        }
    }

    @Test(Requirement.cgroups) func `a child that does not run yet holds nobody's pipes`() async {
        await #expect(processExitsWith: .success) {
            let cgroup = try Cgroup()
            var other = try SpawnedProcess.spawn(SpawnRequest(command: "cat", standardInput: .pipe))
            let output = try present(other.standardOutput.take())
            // It stops before its first instruction.
            try cgroup.freeze(true)
            let stopped = try SpawnAttempt(
                SpawnRequest(command: "/bin/true", cgroup: cgroup.descriptor.rawValue))
            let thread = startThread { stopped.run() }
            try cgroup.populated()

            _ = other.standardInput.take()
            var polled = pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0)
            let hasEnded = poll(&polled, 1, 10_000) == 1
            #expect(hasEnded)
            try cgroup.freeze(false)
            #expect(try waitForEnd(of: other).exit == .exited(0))
            pthread_join(thread, nil)
            #expect(try waitForEnd(of: stopped.outcome()).exit == .exited(0))
        }
    }

    @Test(Requirement.cgroups) func `a child that is killed before it runs is a child all the same`() async {
        await #expect(processExitsWith: .success) {
            let cgroup = try Cgroup()
            try cgroup.freeze(true)
            let stopped = try SpawnAttempt(
                SpawnRequest(command: "/bin/true", cgroup: cgroup.descriptor.rawValue))
            let thread = startThread { stopped.run() }
            try cgroup.populated()
            try cgroup.kill()
            pthread_join(thread, nil)
            #expect(
                try waitForEnd(of: stopped.outcome()).exit == .signaled(SIGKILL, coreDumped: false))
            #expect(!ProcessState.hasChildren())
        }
    }

    @Test func `8 threads spawn at once, and no child sees another's descriptors`() async {
        await #expect(processExitsWith: .success) {
            // The null device stays open.
            _ = try FinishedChild.run(script: "")
            let before = ProcessState.descriptorCount()
            let results = Mutex<[String: Int]>([:])
            inThreads(8) {
                for _ in 0..<200 {
                    let output = (try? FinishedChild.run(Self.listing).output) ?? "failed"
                    results.withLock { $0[output, default: 0] += 1 }
                }
            }
            #expect(results.withLock { $0 } == [Self.onlyStandard: 1_600])
            #expect(ProcessState.descriptorCount() == before)
            #expect(!ProcessState.hasChildren())
        }
    }
}
