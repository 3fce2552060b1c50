import EnvdTestSupport
import Glibc
import LinuxIO
import LinuxSystem
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@Suite struct ChildReaperTests {
    /// Runs a shell script, and returns how it ended.
    private func run(_ script: String, on eventLoop: any EventLoop, _ reaper: ChildReaper) async throws
        -> ExitRecord
    {
        let ended = Mailbox<ExitRecord>()
        try await eventLoop.run {
            let request = SpawnRequest(command: "/bin/sh", arguments: ["-c", script])
            guard let child = try await reaper.spawn(request).take() else {
                throw Errno.noChildProcess
            }
            reaper.watch(child.processID) { ended.post($0) }
        }
        return try await ended.next()
    }

    private func run(_ script: String) async throws -> ChildExit {
        try await self.run(script, on: Children.eventLoop, try await Children.reaper()).exit
    }

    @Test func `the end of a child is reported`() async throws {
        #expect(try await self.run("exit 0") == .exited(0))
        #expect(try await self.run("exit 7") == .exited(7))
        #expect(try await self.run("kill -9 $$") == .signaled(9, coreDumped: false))
    }

    @Test func `the ends of many children are told apart`() async throws {
        try await withThrowingTaskGroup { group in
            for code in 0..<40 {
                group.addTask {
                    let exit = try await self.run("exit \(code)")
                    #expect(exit == .exited(Int32(code)))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a child that cannot be started is an error, and nothing is left of it`() async throws {
        let reaper = try await Children.reaper()
        await #expect(throws: SpawnFailure(stage: .exec, errno: .noSuchFileOrDirectory)) {
            try await Children.eventLoop.run {
                _ = try await reaper.spawn(SpawnRequest(command: "/nowhere"))
            }
        }
        #expect(try await self.run("exit 3") == .exited(3))
    }

    @Test func `the children of others are left alone`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let pool = BlockingPool(threads: 1)
            let reaper = try await eventLoop.submit {
                try ChildReaper(on: eventLoop, pool: pool, reapsAll: false)
            }.get()
            let mine = try SpawnedProcess.spawn(SpawnRequest(command: "/bin/true"))
            let suite = ChildReaperTests()
            for _ in 0..<3 {
                #expect(try await suite.run("exit 1", on: eventLoop, reaper).exit == .exited(1))
            }
            var status: CInt = 0
            #expect(waitpid(mine.processID, &status, 0) == mine.processID)
            #expect(status == 0)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can choose an ID"))
    func `the end of another process is not taken for that of a child with the same ID`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let pool = BlockingPool(threads: 2)
            let reaper = try await eventLoop.submit {
                try ChildReaper(on: eventLoop, pool: pool, reapsAll: true)
            }.get()
            let orphans = Mailbox<Void>()
            try await eventLoop.submit { reaper.whenOrphansEnd { orphans.post() } }.get()
            // As long as one start is under way.
            let reached = Mailbox<Void>()
            let hold = ThreadBell()
            async let held: Void = eventLoop.run {
                _ = try await reaper.spawn(SpawnRequest(command: "/bin/true")) {
                    reached.post()
                    hold.wait()
                    return nil
                }
            }
            try await reached.next()
            var isTried = false
            for _ in 0..<50 where !isTried {
                let stranger = try SpawnedProcess.spawn(
                    SpawnRequest(command: "/bin/sh", arguments: ["-c", "exit 9"]))
                try await orphans.next()
                // The next process gets the stranger's ID, unless another is faster.
                let file = try OwnedDescriptor.open("/proc/sys/kernel/ns_last_pid", flags: O_WRONLY)
                try file.writeAll(Array("\(stranger.processID - 1)".utf8))
                let ended = Mailbox<ExitRecord>()
                let childID = try await eventLoop.run { () -> Int32 in
                    let request = SpawnRequest(command: "/bin/sh", arguments: ["-c", "exit 3"])
                    guard let child = try await reaper.spawn(request).take() else { return 0 }
                    reaper.watch(child.processID) { ended.post($0) }
                    return child.processID
                }
                #expect(try await ended.next().exit == .exited(3))
                isTried = childID == stranger.processID
            }
            #expect(isTried)
            hold.ring()
            try await held
        }
    }

    @Test func `orphans are reaped by the reaper of all`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let pool = BlockingPool(threads: 1)
            try becomeChildSubreaper()
            let reaper = try await eventLoop.submit {
                try ChildReaper(on: eventLoop, pool: pool, reapsAll: true)
            }.get()
            let suite = ChildReaperTests()
            // Its parent ends first: the orphan ends when it has been adopted.
            let script = "(while [ $(awk '{print $4}' /proc/self/stat) = $$ ]; do :; done) & exit 5"
            for _ in 0..<10 { #expect(try await suite.run(script, on: eventLoop, reaper).exit == .exited(5)) }
            // A last child keeps SIGCHLD coming until all orphans are gone.
            var isAlone = false
            while !isAlone {
                #expect(try await suite.run("exit 0", on: eventLoop, reaper).exit == .exited(0))
                isAlone = try await eventLoop.submit { waitpid(-1, nil, WNOHANG) < 0 && errno == ECHILD }
                    .get()
            }
        }
    }

    @Test func `a thousand children leave no descriptor and no zombie`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let pool = BlockingPool(threads: 2)
            let reaper = try await eventLoop.submit {
                try ChildReaper(on: eventLoop, pool: pool, reapsAll: true)
            }.get()
            let suite = ChildReaperTests()
            _ = try await suite.run("exit 0", on: eventLoop, reaper)
            // What the test itself needs has its descriptors by now.
            _ = ClientLoop.any
            let before = openDescriptors()
            for _ in 0..<100 {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<10 {
                        group.addTask { _ = try await suite.run("exit 0", on: eventLoop, reaper) }
                    }
                    try await group.waitForAll()
                }
            }
            try await eventLoop.submit {}.get()
            #expect(openDescriptors() == before)
            #expect(waitpid(-1, nil, WNOHANG) == -1)
            #expect(errno == ECHILD)
        }
    }
}

/// How many descriptors this process has.
private func openDescriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count
}
