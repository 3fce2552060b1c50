import NIOCore
import Testing

@testable import ProcessService

@Suite struct ReaderSetTests {
    @Test func `without readers nobody is waited for`() {
        let readers = ReaderSet()
        #expect(readers.isEmpty)
        #expect(readers.slowest == nil)
        #expect(!readers.someoneWaits(at: 0))
    }

    @Test func `the slowest reader is the one that is waited for`() {
        var readers = ReaderSet()
        let first = readers.add(at: 10) {}
        let second = readers.add(at: 20) {}
        #expect(readers.count == 2)
        #expect(readers.slowest == 10)
        readers.advance(first, to: 30)
        #expect(readers.slowest == 20)
        readers.remove(second)
        #expect(readers.slowest == 30)
        #expect(readers[second] == nil)
        readers.advance(second, to: 99)
        #expect(readers.count == 1)
    }

    @Test func `a reader that took nothing for too long is no longer waited for, until it takes something`() {
        var readers = ReaderSet()
        let stuck = readers.add(at: 0) {}
        let healthy = readers.add(at: 100) {}
        readers.stall(behind: 100, idleSince: .now())
        #expect(readers[stuck]?.isStalled == true)
        // One that is up to date is not stuck, however long there was nothing.
        #expect(readers[healthy]?.isStalled == false)
        #expect(readers.slowest == 100)
        readers.advance(stuck, to: 50)
        #expect(readers[stuck]?.isStalled == false)
        #expect(readers.slowest == 50)
    }

    @Test func `a reader that took something since is not given up`() {
        var readers = ReaderSet()
        let slow = readers.add(at: 0) {}
        let before = NIODeadline.now()
        readers.advance(slow, to: 1)
        readers.stall(behind: 100, idleSince: before - .nanoseconds(1))
        #expect(readers[slow]?.isStalled == false)
    }

    @Test func `the time of a reader that had everything begins with what it gets to do`() {
        var readers = ReaderSet()
        let upToDate = readers.add(at: 10) {}
        let behind = readers.add(at: 5) {}
        let before = NIODeadline.now()
        readers.refresh(at: 10)
        readers.stall(behind: 20, idleSince: before)
        #expect(readers[upToDate]?.isStalled == false)
        #expect(readers[behind]?.isStalled == true)
    }

    @Test func `somebody waits if he has everything`() {
        var readers = ReaderSet()
        _ = readers.add(at: 5) {}
        #expect(!readers.someoneWaits(at: 6))
        #expect(readers.someoneWaits(at: 5))
    }
}
