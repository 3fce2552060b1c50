import NIOCore

/// Closes an HTTP/1.1 connection whose client sends a request's head too slowly or nothing for too long.
///
/// Two timers. The idle timer fires at the earliest time at which the connection can have been idle for too
/// long, and is set again for the rest if there was activity: a request costs no timer. The head timer runs
/// only while a head is incomplete.
final class ConnectionTiming {
    private let limits: HTTPLimits
    private let eventLoop: any EventLoop
    /// Whether the next byte has to come from the client.
    private let waitsForClient: () -> Bool
    private let expire: () -> Void

    private(set) var lastActivity = NIODeadline.now()
    private(set) var lastReceived = NIODeadline.now()
    private var idleTimer: Scheduled<Void>?
    private var headTimer: Scheduled<Void>?

    init(
        limits: HTTPLimits, eventLoop: any EventLoop, waitsForClient: @escaping () -> Bool,
        expire: @escaping () -> Void
    ) {
        self.limits = limits
        self.eventLoop = eventLoop
        self.waitsForClient = waitsForClient
        self.expire = expire
        self.scheduleIdle(self.limits.idleTime)
        self.headBegan()
    }

    func stop() {
        self.idleTimer?.cancel()
        self.headTimer?.cancel()
        self.idleTimer = nil
        self.headTimer = nil
    }

    /// Bytes came.
    func received() {
        self.active()
        self.lastReceived = self.lastActivity
    }

    /// Bytes came or went.
    func active() {
        self.lastActivity = .now()
    }

    /// A part of a head has come.
    func headBegan() {
        guard self.headTimer == nil else { return }
        self.headTimer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.headerReadTime) {
            self.expire()
        }
    }

    /// The head is complete.
    func headEnded() {
        self.headTimer?.cancel()
        self.headTimer = nil
    }

    private func scheduleIdle(_ wait: TimeAmount) {
        self.idleTimer = self.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            if !self.waitsForClient() { self.active() }
            let left = self.lastActivity + self.limits.idleTime - .now()
            if left <= .nanoseconds(0) {
                self.expire()
            } else {
                self.scheduleIdle(left)
            }
        }
    }
}
