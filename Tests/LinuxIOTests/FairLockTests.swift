import EnvdTestSupport
import LinuxIO
import Synchronization
import Testing

@Suite struct FairLockTests {
    @Test func `one at a time, in the order in which they asked`() async throws {
        let lock = FairLock()
        let entered = Mailbox<Int>()
        let gate = Mailbox<Void>()
        let loop = Children.eventLoop
        let tasks = (0..<3).map { number in
            loop.start {
                await lock.run {
                    entered.post(number)
                    try? await gate.next()
                }
            }
        }
        for number in 0..<3 {
            #expect(try await entered.next() == number)
            #expect(entered.pending == [])
            gate.post()
        }
        for task in tasks { try await task.value }
    }

    @Test func `a few at a time, and no more`() async throws {
        let lock = FairLock(limit: 2)
        let entered = Mailbox<Int>()
        let gate = Mailbox<Void>()
        let loop = Children.eventLoop
        let tasks = (0..<3).map { number in
            loop.start {
                await lock.run {
                    entered.post(number)
                    try? await gate.next()
                }
            }
        }
        #expect(try await entered.next() == 0)
        #expect(try await entered.next() == 1)
        #expect(entered.pending == [])
        gate.post()
        #expect(try await entered.next() == 2)
        for _ in 0..<2 { gate.post() }
        for task in tasks { try await task.value }
    }

    @Test func `who is cancelled while waiting is let go, and the others have their turn`() async throws {
        let lock = FairLock()
        let entered = Mailbox<String>()
        let gate = Mailbox<Void>()
        let loop = Children.eventLoop
        let first = loop.start {
            await lock.run {
                entered.post("first")
                try? await gate.next()
            }
        }
        #expect(try await entered.next() == "first")
        let cancelled = loop.start { await lock.runUnlessCancelled { entered.post("cancelled") } }
        let patient = loop.start { await lock.run { entered.post("patient") } }
        cancelled.cancel()
        #expect(try await cancelled.value == nil)
        patient.cancel()
        gate.post()
        #expect(try await entered.next() == "patient")
        try await first.value
        try await patient.value
        #expect(entered.pending == [])
    }

    @Test func `a task that is cancelled already does not get in`() async throws {
        let lock = FairLock()
        let gate = Mailbox<Void>()
        let task = Children.eventLoop.start {
            try? await gate.next()
            return await lock.runUnlessCancelled { true }
        }
        task.cancel()
        gate.post()
        #expect(try await task.value == nil)
        #expect(await lock.run { true })
        #expect(await lock.runUnlessCancelled { true } == true)
    }
}
