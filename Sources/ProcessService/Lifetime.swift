import NIOCore

/// A timer whose time stands still while the workload does. Bound to the event loop.
final class Lifetime {
    private let eventLoop: any EventLoop
    private let end: () -> Void
    private var deadline: NIODeadline
    private var timer: Scheduled<Void>?
    /// What is left, while it stands still.
    private var left: TimeAmount?

    /// Calls `end` at `deadline`.
    init(until deadline: NIODeadline, on eventLoop: any EventLoop, _ end: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.deadline = deadline
        self.end = end
        self.schedule()
    }

    private func schedule() {
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: self.deadline) {
            self.timer = nil
            self.end()
        }
    }

    func cancel() {
        self.timer?.cancel()
        self.timer = nil
        self.left = nil
    }

    /// Stops the time.
    func pause() {
        guard let timer else { return }
        timer.cancel()
        self.timer = nil
        self.left = max(.zero, self.deadline - .now())
    }

    /// Lets the time go on, with what is left of it.
    func resume() {
        guard let left else { return }
        self.left = nil
        self.deadline = .now() + left
        self.schedule()
    }
}
