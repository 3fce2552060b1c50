import EnvdAPI
import EnvdTestSupport
import LinuxSystem
import NIOCore
import Testing

@testable import PortService

@Suite struct PortMonitorTests {
    private static let eventLoop = OpenSocket.eventLoop

    @Test func `nothing is looked at while nobody wants to know`() async throws {
        let looks = Mailbox<Int>()
        let isBusy = try await Self.eventLoop.run {
            let monitor = PortMonitor(pool: Children.pool, on: Self.eventLoop)
            let before = monitor.isBusy
            let first = monitor.observe(every: .milliseconds(1)) { looks.post($0.count) }
            let second = monitor.observe(every: .hours(1)) { _ in }
            let during = monitor.isBusy
            for _ in 0..<3 { _ = try await looks.next() }
            monitor.stop(first)
            monitor.stop(second)
            return (before, during, monitor.isBusy)
        }
        #expect(isBusy == (false, true, false))
    }

    @Test func `the daemon's own ports are not told`() async throws {
        let own = try await OpenSocket(on: "127.0.0.1")
        let monitor = PortMonitor(pool: Children.pool, on: Self.eventLoop)
        let found = try await Self.eventLoop.run { try await monitor.look() }
        #expect(!found.contains { $0.port == own.port })
        #expect(try ListeningSocket.all().contains { $0.port == own.port })
        try await own.close()
    }

    @Test func `what opens and closes is told once`() {
        let subscription = PortSubscription(port: nil, limit: 3)
        let first = ListeningSocket(port: 1, isIPv6: false, address: "127.0.0.1", inode: 1)
        let twin = ListeningSocket(port: 1, isIPv6: false, address: "127.0.0.1", inode: 2)
        let second = ListeningSocket(port: 2, isIPv6: true, address: "::1", inode: 3)
        subscription.update([first, twin])
        #expect(subscription.next()?.opened.port == 1)
        #expect(subscription.next() == nil)
        subscription.update([twin, second])
        #expect(subscription.next()?.opened.address == "::1")
        #expect(subscription.next() == nil)
        subscription.update([])
        #expect(subscription.next()?.closed.port == 1)
        #expect(subscription.next()?.closed.port == 2)
        #expect(subscription.next() == nil)
        #expect(!subscription.hasOverflown)
        subscription.update([first, second])
        subscription.update([])
        #expect(subscription.hasOverflown)
    }

    @Test func `one port is told of alone`() {
        let subscription = PortSubscription(port: 2, limit: 3)
        subscription.update([ListeningSocket(port: 1, isIPv6: false, address: "127.0.0.1", inode: 1)])
        #expect(subscription.next() == nil)
        #expect(subscription.hasLooked)
    }
}
