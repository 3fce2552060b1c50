import HTTPTransport
package import LinuxSystem
package import NIOCore
package import SystemPackage

/// What a sandbox needs when it goes on after it stood still: other random numbers than a copy of it has, no readers
/// that are long gone, and word of it for programs. Bound to an event loop.
package final class Resume: Sendable {
    /// What it works with.
    package struct Parts: Sendable {
        package var clocks: @Sendable () -> ClockReading = ClockReading.now
        /// Mixes bytes into the kernel's random numbers; returns why it cannot.
        package var stir: @Sendable ([UInt8]) -> Errno? = { bytes in
            do throws(Errno) {
                try RandomPool.stir(bytes)
                return nil
            } catch {
                return error
            }
        }
        /// Closes the connections of clients that have been silent since.
        package var closeConnections: @Sendable (Silence) -> Void
        /// Nil for none.
        package var hooks: PauseHooks?
        /// Where the generation's file is.
        package var directory = "/run/e2b"

        package init(
            hooks: PauseHooks?, closeConnections: @escaping @Sendable (Silence) -> Void
        ) {
            self.hooks = hooks
            self.closeConnections = closeConnections
        }
    }

    /// How clients that are not there any more are known.
    package struct Silence: Sendable, Equatable {
        /// They have sent nothing since.
        package var start: NIODeadline
        /// Nothing but the time of day says that there was a pause: where something was acknowledged just before, the
        /// client is there, and it was the clock that was wrong.
        package var isBrokenByAcknowledgment: Bool
    }

    private struct State {
        var detector: PauseDetector
        var generation: UInt64
        /// The hooks before a pause ran, and those after it have not.
        var isAnnounced = false
    }

    private let parts: Parts
    private let limits: ResumeLimits
    let eventLoop: any EventLoop
    private let executor: EventLoopTaskExecutor
    private let warn: @Sendable (String) -> Void
    private let file: Generation
    private let state: NIOLoopBoundBox<State>

    /// - Parameter warn: takes lines for the log.
    package init(
        _ parts: Parts, limits: ResumeLimits = ResumeLimits(), on eventLoop: any EventLoop,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.parts = parts
        self.limits = limits
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.warn = warn
        self.file = Generation(directory: parts.directory)
        let state = State(
            detector: PauseDetector(parts.clocks()), generation: Generation(directory: parts.directory).read()
        )
        self.state = NIOLoopBoundBox.makeBoxSendingValue(state, eventLoop: eventLoop)
        self.publish()
    }

    /// How often the machine went on after a pause.
    package var generation: UInt64 { self.state.value.generation }

    private func publish() {
        do throws(Errno) {
            // A few bytes in memory: /run is no disk.
            try self.file.write(self.state.value.generation)
        } catch {
            self.warn("cannot write the generation: \(error.lowercasedDescription)")
        }
    }

    /// Tells programs that a pause is near, and gives them a while.
    package func announce() async {
        guard let hooks = self.parts.hooks else { return }
        self.state.value.isAnnounced = true
        let problems = await hooks.run(
            await hooks.programs(.prePause, limit: self.limits.hooks),
            environment: ["ENVD_GENERATION=\(self.state.value.generation)"],
            until: .now() + self.limits.prePauseTime)
        for problem in problems { self.warn(problem) }
    }

    /// Looks at whether the machine stood still, before the workload goes on, and does what that needs.
    ///
    /// - Parameters:
    ///   - frozen: when the workload was stopped; nil if it was not.
    ///   - isInitialized: the host says that the sandbox begins anew: what was stopped was saved, however short that
    ///     took.
    package func wake(frozen: NIODeadline?, isInitialized: Bool) {
        let now = self.parts.clocks()
        let pause = self.state.value.detector.pause(until: now)
        guard pause.total >= self.limits.leastPause || isInitialized && frozen != nil else { return }
        if let error = self.parts.stir(Self.bytes(of: now)) {
            self.warn("cannot reseed the random numbers: \(error.lowercasedDescription)")
        }
        self.state.value.generation &+= 1
        self.publish()
        if pause.total >= self.limits.deadlyPause {
            self.parts.closeConnections(
                Silence(
                    start: frozen ?? .now() - self.limits.noticeTime,
                    isBrokenByAcknowledgment: frozen == nil && pause.suspended < self.limits.deadlyPause))
        }
        // Also for a pause that nobody announced.
        self.state.value.isAnnounced = true
    }

    /// Tells programs that the pause is over, while everything goes on.
    package func announceEnd() {
        guard self.state.value.isAnnounced, let hooks = self.parts.hooks else { return }
        self.state.value.isAnnounced = false
        _ = self.executor.startTask {
            let problems = await hooks.run(
                await hooks.programs(.postResume, limit: self.limits.hooks),
                environment: ["ENVD_GENERATION=\(self.state.value.generation)"],
                until: .now() + self.limits.postResumeTime)
            for problem in problems { self.warn(problem) }
        }
    }

    /// What two copies of a machine do not share: when they went on.
    private static func bytes(of clocks: ClockReading) -> [UInt8] {
        [clocks.monotonic, clocks.boot, clocks.wall].flatMap { withUnsafeBytes(of: $0, Array.init) }
    }
}
