import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Signals as readability of a descriptor. Dispositions are the process's, so each test has a process.
@Suite struct SignalEventsTests {
    @Test func `a signal makes the descriptor readable and is drained once`() async {
        await #expect(processExitsWith: .success) {
            let events = try SignalEvents(signals: [SIGUSR1, SIGUSR2])
            #expect(events.drain() == [])
            #expect(kill(getpid(), SIGUSR1) == 0)
            try wait(for: POLLIN, on: events.descriptor)
            #expect(events.drain() == [SIGUSR1])
            #expect(events.drain() == [])
            var entry = pollfd(fd: events.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            #expect(poll(&entry, 1, 0) == 0)
        }
    }

    @Test func `signals that all threads block are taken without handlers`() async {
        await #expect(processExitsWith: .success) {
            // Each thread blocks them for itself: those of the test exist already.
            SignalEvents.block([SIGUSR1, SIGUSR2, 64])
            let events = try SignalEvents(signals: [SIGUSR1, SIGUSR2, 64], .blocked)
            #expect(events.drain() == [])
            for signal in [SIGUSR1, SIGUSR2, SIGUSR1, 64] {
                #expect(pthread_kill(pthread_self(), signal) == 0)
            }
            try wait(for: POLLIN, on: events.descriptor)
            #expect(events.drain() == [SIGUSR1, SIGUSR2, 64])
            #expect(events.drain() == [])
        }
    }

    @Test func `several signals are drained together, real-time ones too`() async {
        await #expect(processExitsWith: .success) {
            let events = try SignalEvents(signals: [SIGTERM, SIGINT, 64])
            var arrived: Set<Int32> = []
            for signal in [SIGTERM, SIGINT, 64] { #expect(kill(getpid(), signal) == 0) }
            while arrived.count < 3 {
                try wait(for: POLLIN, on: events.descriptor)
                arrived.formUnion(events.drain())
            }
            #expect(arrived == [SIGTERM, SIGINT, 64])
        }
    }

    @Test func `the end of a child arrives, its stop does not`() async {
        await #expect(processExitsWith: .success) {
            let events = try SignalEvents(signals: [SIGCHLD])
            let process = try SpawnedProcess.spawn(SpawnRequest(command: "cat", standardInput: .pipe))
            try send(signal: SIGSTOP, toChild: process.processID)
            var status: CInt = 0
            #expect(waitpid(process.processID, &status, WUNTRACED) == process.processID)
            #expect(events.drain() == [])
            try send(signal: SIGKILL, toChild: process.processID)
            try wait(for: POLLIN, on: events.descriptor)
            #expect(events.drain() == [SIGCHLD])
            #expect(try reap(processID: process.processID)?.exit == .signaled(SIGKILL, coreDumped: false))
        }
    }

    @Test func `instances do not disturb each other`() async {
        await #expect(processExitsWith: .success) {
            let first = try SignalEvents(signals: [SIGUSR1])
            let second = try SignalEvents(signals: [SIGUSR2])
            #expect(kill(getpid(), SIGUSR2) == 0)
            try wait(for: POLLIN, on: second.descriptor)
            #expect(first.drain() == [])
            #expect(second.drain() == [SIGUSR2])
        }
    }

    @Test func `a signal belongs to one instance at a time`() async {
        await #expect(processExitsWith: .success) {
            var first: SignalEvents? = try SignalEvents(signals: [SIGUSR1])
            #expect(throws: Errno.resourceBusy) { try SignalEvents(signals: [SIGUSR2, SIGUSR1]) }
            #expect(first?.drain() == [])
            first = nil
            // Neither the failed one nor the ended one holds anything.
            let next = try SignalEvents(signals: [SIGUSR2, SIGUSR1])
            #expect(kill(getpid(), SIGUSR1) == 0)
            try wait(for: POLLIN, on: next.descriptor)
            #expect(next.drain() == [SIGUSR1])
        }
    }

    @Test func `an instance begins with nothing, whatever arrived for the one before`() async {
        await #expect(processExitsWith: .success) {
            var events: SignalEvents? = try SignalEvents(signals: [SIGUSR1])
            #expect(kill(getpid(), SIGUSR1) == 0)
            if let events { try wait(for: POLLIN, on: events.descriptor) }
            events = nil
            let next = try SignalEvents(signals: [SIGUSR1])
            #expect(next.drain() == [])
        }
    }

    @Test(arguments: [0, -1, 65, SIGKILL, SIGSTOP]) func `a signal that cannot be caught is refused`(
        signal: Int32
    ) {
        #expect(throws: Errno.invalidArgument) { try SignalEvents(signals: [signal]) }
    }

    @Test func `the end of an instance restores the default`() async {
        await #expect(processExitsWith: .signal(SIGUSR1)) {
            var events: SignalEvents? = try SignalEvents(signals: [SIGUSR1])
            #expect(events?.drain() == [])
            events = nil
            kill(getpid(), SIGUSR1)
            // Until it arrives.
            while true { pause() }
        }
    }

    @Test func `calls that a signal interrupts are restarted`() async {
        await #expect(processExitsWith: .success) {
            let events = try SignalEvents(signals: [SIGUSR1])
            var action = sigaction()
            #expect(sigaction(SIGUSR1, nil, &action) == 0)
            #expect(action.sa_flags & SA_RESTART != 0)
            #expect(events.drain() == [])
        }
    }

    @Test func `no signal is lost while instances come and go in other threads`() async {
        await #expect(processExitsWith: .success) {
            let events = try SignalEvents(signals: [SIGUSR1])
            inThreads(4) {
                for _ in 0..<500 {
                    _ = try? SignalEvents(signals: [SIGUSR2])
                    kill(getpid(), SIGUSR1)
                }
            }
            try wait(for: POLLIN, on: events.descriptor)
            #expect(events.drain() == [SIGUSR1])
        }
    }
}
