import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Waiting for children and signalling them.
@Suite struct ChildProcessesTests {
    @Test(arguments: [0, 1, 3, 126, 255]) func `an exit code is reported`(code: Int32) throws {
        #expect(try FinishedChild.run(script: "exit \(code)").record.exit == .exited(code))
    }

    @Test(arguments: [SIGTERM, SIGKILL, SIGHUP, 40]) func `the signal that ended it is reported`(
        signal: Int32
    ) throws {
        let child = try FinishedChild.run(script: "kill -\(signal) $$")
        #expect(child.record.exit == .signaled(signal, coreDumped: false))
    }

    @Test(Requirement.coreFiles) func `a core dump is reported`() throws {
        let directory = try TemporaryDirectory()
        let resource = CInt(RLIMIT_CORE.rawValue)
        var request = SpawnRequest(command: "", workingDirectory: directory.path)
        request.resourceLimits = [ResourceLimit(resource: resource, soft: .max, hard: .max)]
        let dumped = try FinishedChild.run(script: "kill -ABRT $$", request)
        #expect(dumped.record.exit == .signaled(SIGABRT, coreDumped: true))
        request.resourceLimits = [ResourceLimit(resource: resource, soft: 0, hard: 0)]
        let undumped = try FinishedChild.run(script: "kill -ABRT $$", request)
        #expect(undumped.record.exit == .signaled(SIGABRT, coreDumped: false))
    }

    @Test func `what a child used is reported`() throws {
        let busy = try FinishedChild.run(script: "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done").record
        #expect(busy.userTime > 10_000)
        #expect(busy.userTime < 60_000_000)
        let reading = try FinishedChild.run(script: "dd if=/dev/zero of=/dev/null bs=1M count=1000; true")
            .record
        #expect(reading.systemTime > 0)
        #expect(reading.peakResidentKiB > 100)
    }

    @Test func `a child that runs is not reaped, an ended one only once`() throws {
        var process = try SpawnedProcess.spawn(SpawnRequest(command: "cat", standardInput: .pipe))
        let processID = process.processID
        #expect(try reap(processID: processID) == nil)
        _ = process.standardInput.take()
        #expect(try waitForEnd(of: process).exit == .exited(0))
        #expect(throws: Errno.noChildProcess) { try reap(processID: processID) }
    }

    @Test func `a signal is sent to a child, also when it has ended and was not reaped`() throws {
        let process = try SpawnedProcess.spawn(SpawnRequest(command: "cat", standardInput: .pipe))
        try send(signal: 0, toChild: process.processID)
        try send(signal: SIGTERM, toChild: process.processID)
        waitForEnd(ofChild: process.processID)
        try send(signal: SIGKILL, toChild: process.processID)
        #expect(try reap(processID: process.processID)?.exit == .signaled(SIGTERM, coreDumped: false))
    }

    @Test func `an invalid signal is refused`() throws {
        let process = try SpawnedProcess.spawn(SpawnRequest(command: "/bin/true"))
        #expect(throws: Errno.invalidArgument) { try send(signal: 65, toChild: process.processID) }
        #expect(try waitForEnd(of: process).exit == .exited(0))
    }

    @Test(arguments: [Int32.min, -1, 0, 1]) func `what is no child's ID gets no signal`(processID: Int32) {
        #expect(throws: Errno.invalidArgument) { try send(signal: 0, toChild: processID) }
    }

    @Test func `ended children are reaped one by one, running ones are not`() async {
        await #expect(processExitsWith: .success) {
            #expect(reapAny() == nil)
            var running = try SpawnedProcess.spawn(SpawnRequest(command: "cat", standardInput: .pipe))
            #expect(reapAny() == nil)
            var expected: Set<Int32> = []
            for _ in 0..<3 {
                let process = try SpawnedProcess.spawn(SpawnRequest(command: "/bin/true"))
                waitForEnd(ofChild: process.processID)
                expected.insert(process.processID)
            }
            var found: Set<Int32> = []
            while let ended = reapAny() {
                #expect(ended.record.exit == .exited(0))
                #expect(throws: Errno.noChildProcess) { try reap(processID: ended.processID) }
                found.insert(ended.processID)
            }
            #expect(found == expected)
            _ = running.standardInput.take()
            _ = try waitForEnd(of: running)
            #expect(reapAny() == nil)
        }
    }

    @Test func `an orphan becomes a child of the subreaper`() async {
        await #expect(processExitsWith: .success) {
            try becomeChildSubreaper()
            // The grandchild prints its ID, and ends when the pipe does.
            var process = try SpawnedProcess.spawn(
                SpawnRequest(
                    command: "/bin/sh", arguments: ["-c", "exec 3<&0; cat <&3 >/dev/null & echo $!"],
                    standardInput: .pipe))
            let input = try present(process.standardInput.take())
            let output = try present(process.standardOutput.take())
            #expect(try waitForEnd(of: process).exit == .exited(0))
            let grandchild = try #require(
                Int32(try readToEnd(output).split(separator: "\n").first.map(String.init) ?? ""))
            #expect(try reap(processID: grandchild) == nil)
            try input.close()
            #expect(waitpid(grandchild, nil, 0) == grandchild)
        }
    }
}
