import EnvdTestSupport
import Glibc
import LinuxIO
import LinuxSystem
import NIOCore
import Synchronization
import SystemPackage
import Testing

@Suite struct BlockingPoolTests {
    @Test func `a pool returns what a call returns and throws what it throws`() async throws {
        let pool = BlockingPool(threads: 1)
        #expect(await pool.run { 7 } == 7)
        await #expect(throws: Errno.noMemory) { try await pool.run { () throws(Errno) in throw .noMemory } }
        pool.shutDown()
    }

    @Test func `a call that blocks does not block those on other threads`() async throws {
        let pool = BlockingPool(threads: 2)
        let (release, released) = (Mailbox<Void>(), Mailbox<Void>())
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        let writer = try pipe.takeWriteEnd()
        try reader.setNonBlocking(false)
        let blocking = Handoff(reader)
        async let blocked = pool.run { () -> [UInt8] in
            guard let reader = blocking.take() else { return [] }
            release.post()
            return (try? reader.read(1)) ?? []
        }
        try await release.next()
        #expect(await pool.run { 1 } == 1)
        released.post()
        _ = try writer.write([42])
        #expect(await blocked == [42])
        pool.shutDown()
    }

    @Test func `calls that do not return do not stop others for long`() async throws {
        let pool = BlockingPool(threads: 2, growingTo: 40)
        let bells = (0..<20).map { _ in ThreadBell() }
        let arrived = Mailbox<Void>()
        async let blocked: Void = withTaskGroup { group in
            for bell in bells {
                group.addTask {
                    await pool.run {
                        arrived.post()
                        bell.wait()
                    }
                }
            }
        }
        // More than the pool has threads at first, and all of them stand still.
        for _ in 0..<20 { try await arrived.next() }
        #expect(await pool.run { 1 } == 1)
        for bell in bells { bell.ring() }
        await blocked
        #expect(await pool.run { 2 } == 2)
        pool.shutDown()
    }

    @Test func `threads that only many calls at once have needed end, and come back`() async {
        await #expect(processExitsWith: .success) {
            let pool = BlockingPool(threads: 12)
            for _ in 0..<2 {
                // Each waits for all.
                let arrivals = Arrivals()
                await withTaskGroup { group in
                    for _ in 0..<12 {
                        group.addTask {
                            await pool.run {
                                arrivals.count.add(1, ordering: .relaxed)
                                while arrivals.count.load(ordering: .relaxed) < 12 { sched_yield() }
                            }
                        }
                    }
                }
                let deadline = NIODeadline.now() + patience
                while Self.poolThreads() > 4, NIODeadline.now() < deadline { await Task.yield() }
                #expect(Self.poolThreads() == 4)
                #expect(await pool.run { 1 } == 1)
            }
            pool.shutDown()
        }
    }

    private final class Arrivals: Sendable {
        let count = Atomic<Int>(0)
    }

    /// How many threads of pools this process has.
    private static func poolThreads() -> Int {
        guard let directory = opendir("/proc/self/task") else { return -1 }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let file = fopen("/proc/self/task/\(name)/comm", "r") else { continue }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 32)
            guard fgets(&line, CInt(line.count), file) != nil else { continue }
            if strcmp(line, "envd-pool\n") == 0 { count += 1 }
        }
        return count
    }

    @Test func `a pool that has ended still does the work`() async throws {
        let pool = BlockingPool(threads: 1)
        #expect(await pool.run { 1 } == 1)
        pool.shutDown()
        #expect(await pool.run { 2 } == 2)
    }

    @Test func `a pool that was never used can be ended`() {
        BlockingPool(threads: 1).shutDown()
    }
}
