import EnvdTestSupport
import LinuxIO
import LinuxSystem
import NIOCore
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
