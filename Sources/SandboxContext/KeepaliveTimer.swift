package import NIOCore

/// Says when a stream of events has been silent for so long that its client is to hear something. Bound to an event
/// loop.
///
/// One timer, set again for the rest of the time if there was an event meanwhile: an event costs no timer.
package final class KeepaliveTimer {
    private let interval: TimeAmount
    private let eventLoop: any EventLoop
    private let wake: () -> Void
    private var lastEvent = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isDue = false

    /// - Parameters:
    ///   - interval: the time of silence.
    ///   - wake: called when it is over.
    package init(_ interval: TimeAmount, on eventLoop: any EventLoop, wake: @escaping () -> Void) {
        self.interval = interval
        self.eventLoop = eventLoop
        self.wake = wake
    }

    package func start() {
        self.schedule(in: self.interval)
    }

    package func stop() {
        self.timer?.cancel()
        self.timer = nil
    }

    /// There was an event.
    package func restart() {
        self.lastEvent = .now()
    }

    /// Whether the client is to hear something; once for each time of silence.
    package func takeDue() -> Bool {
        defer { self.isDue = false }
        return self.isDue
    }

    private func schedule(in wait: TimeAmount) {
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            let left = self.lastEvent + self.interval - .now()
            if left > .nanoseconds(0) {
                self.schedule(in: left)
            } else {
                self.isDue = true
                self.lastEvent = .now()
                self.schedule(in: self.interval)
                self.wake()
            }
        }
    }
}
