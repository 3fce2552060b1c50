import EnvdTestSupport
import Glibc
import LinuxIO
import NIOCore
import NIOPosix
import SystemPackage
import Testing

/// Signal handlers belong to the whole process.
@Suite struct SignalListenerTests {
    @Test func `signals become calls on the event loop`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let arrived = Mailbox<Set<Int32>>()
            let listener = try await eventLoop.submit {
                try SignalListener([SIGUSR1, SIGUSR2], on: eventLoop) { signals in
                    eventLoop.preconditionInEventLoop()
                    arrived.post(signals)
                }
            }.get()
            for signal in [SIGUSR1, SIGUSR2, SIGUSR1] {
                kill(getpid(), signal)
                #expect(try await arrived.next() == [signal])
            }
            try await eventLoop.submit { listener.close() }.get()
        }
    }

    @Test func `a signal has one listener`() async throws {
        await #expect(processExitsWith: .success) {
            let eventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
            let first = try await eventLoop.submit { try SignalListener([SIGUSR1], on: eventLoop) { _ in } }
                .get()
            await #expect(throws: Errno.resourceBusy) {
                _ = try await eventLoop.submit { try SignalListener([SIGUSR1], on: eventLoop) { _ in } }.get()
            }
            try await eventLoop.submit { first.close() }.get()
        }
    }
}
