import EnvdTestSupport
import LinuxSystem
import NIOCore
import Testing

@testable import PortService

/// Forwarding, from one loopback address to another: the service's own sockets do not count, so that the other end is
/// a process of its own in the end-to-end tests; here it is only the relay.
@Suite struct RelayTests {
    @Test func `without the address nothing is bound and nothing looked at`() async throws {
        let isBusy = try await OpenSocket.eventLoop.run {
            var limits = PortLimits()
            limits.externalAddress = "192.0.2.77"
            let monitor = PortMonitor(pool: Children.pool, on: OpenSocket.eventLoop)
            let forwarder = PortForwarder(limits, monitor, on: OpenSocket.eventLoop)
            try forwarder.start()
            return (monitor.isBusy, forwarder.forwards(80))
        }
        #expect(isBusy == (false, false))
    }
}
