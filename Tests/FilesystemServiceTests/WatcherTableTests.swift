import Connect
import EnvdAPI
import EnvdTestSupport
import LinuxIO
import NIOCore
import Testing

@testable import FilesystemService

@Suite struct WatcherTableTests {
    /// What is bound to the event loop that the tests run on.
    private struct Fixture {
        let hub: WatchHub
        let table: WatcherTable
        let options: WatchOptions

        init(_ eventLoop: any EventLoop, watchers: Int = 10) throws {
            var limits = WatchLimits()
            limits.watchers = watchers
            self.hub = WatchHub(limits: limits, pool: BlockingPool(threads: 1), eventLoop: eventLoop)
            self.table = WatcherTable(eventLoop: eventLoop)
            self.options = try WatchOptions(Filesystem_CreateWatcherRequest(), limits)
        }

        /// A watcher that posts when it has ended.
        func watcher(_ ended: Mailbox<Void>) throws -> Watcher {
            let watcher = try self.hub.makeWatcher(self.options)
            watcher.wake = { ended.post() }
            return watcher
        }
    }

    @Test func `a watcher that nobody asks for ends, and its place is free`() async throws {
        let eventLoop = ClientLoop.any
        let ended = Mailbox<Void>()
        let fixture = try await eventLoop.run {
            let fixture = try Fixture(eventLoop, watchers: 1)
            let id = fixture.table.add(try fixture.watcher(ended), expiry: .milliseconds(1))
            #expect(throws: ConnectError.self) { try fixture.watcher(ended) }
            return NIOLoopBound((fixture, id), eventLoop: eventLoop)
        }
        try await ended.next()
        try await eventLoop.run {
            let (fixture, id) = fixture.value
            #expect(fixture.table.find(id) == nil)
            try fixture.watcher(ended).close()
        }
    }

    @Test func `a watcher that a call has does not end before it is let go`() async throws {
        let eventLoop = ClientLoop.any
        let (held, other) = (Mailbox<Void>(), Mailbox<Void>())
        let fixture = try await eventLoop.run {
            let fixture = try Fixture(eventLoop)
            let id = fixture.table.add(try fixture.watcher(held), expiry: .milliseconds(1))
            #expect(fixture.table.hold(id) != nil)
            _ = fixture.table.add(try fixture.watcher(other), expiry: .milliseconds(5))
            return NIOLoopBound((fixture, id), eventLoop: eventLoop)
        }
        try await other.next()
        try await eventLoop.run {
            let (fixture, id) = fixture.value
            #expect(held.pending.isEmpty)
            #expect(fixture.table.find(id) != nil)
            fixture.table.letGo(id)
        }
        try await held.next()
        try await eventLoop.run { #expect(fixture.value.0.table.find(fixture.value.1) == nil) }
    }

    @Test func `there are as many watchers as the limit says`() async throws {
        let eventLoop = ClientLoop.any
        try await eventLoop.run {
            let fixture = try Fixture(eventLoop, watchers: 3)
            let watchers = try (0..<3).map { _ in try fixture.hub.makeWatcher(fixture.options) }
            do {
                _ = try fixture.hub.makeWatcher(fixture.options)
                Issue.record("a fourth")
            } catch let error as ConnectError {
                #expect(error.code == .resourceExhausted)
                #expect(error.message == "3 directories are watched, which is the limit")
            }
            watchers[1].close()
            let last = try fixture.hub.makeWatcher(fixture.options)
            for watcher in [watchers[0], watchers[2], last] { watcher.close() }
        }
    }

    @Test func `ids do not repeat and have the form that clients know`() async throws {
        let eventLoop = ClientLoop.any
        try await eventLoop.run {
            let fixture = try Fixture(eventLoop)
            let ids = try (0..<5).map { _ in
                fixture.table.add(try fixture.hub.makeWatcher(fixture.options), expiry: .hours(1))
            }
            #expect(Set(ids).count == 5)
            for id in ids {
                #expect(id.wholeMatch(of: #/w[a-z0-9]{20}/#) != nil)
                fixture.table.remove(id)?.close()
                #expect(fixture.table.find(id) == nil)
            }
        }
    }
}
