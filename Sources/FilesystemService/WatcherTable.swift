import NIOCore

/// The watchers of clients that poll, by their ids. Bound to the event loop.
final class WatcherTable {
    private struct Polled {
        let watcher: Watcher
        var deadline: NIODeadline
    }

    private let expiry: TimeAmount
    private let eventLoop: any EventLoop
    private var watchers: [String: Polled] = [:]
    private var timer: Scheduled<Void>?

    init(_ limits: WatchLimits, eventLoop: any EventLoop) {
        self.expiry = limits.expiry
        self.eventLoop = eventLoop
    }

    private static let idLetters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    private static let idLength = 20

    /// Keeps a watcher until it is removed, or nobody has asked for so long that it expires.
    ///
    /// - Returns: its id: `w` and 20 random letters and digits.
    func add(_ watcher: Watcher) -> String {
        var id: String
        repeat {
            id = "w" + String((0..<Self.idLength).compactMap { _ in Self.idLetters.randomElement() })
        } while self.watchers[id] != nil
        self.watchers[id] = Polled(watcher: watcher, deadline: .now() + self.expiry)
        self.scheduleExpiry()
        return id
    }

    /// The watcher that a client asks for, which thereby lives on.
    func find(_ id: String) -> Watcher? {
        self.watchers[id]?.deadline = .now() + self.expiry
        return self.watchers[id]?.watcher
    }

    func remove(_ id: String) -> Watcher? {
        let watcher = self.watchers.removeValue(forKey: id)?.watcher
        if self.watchers.isEmpty {
            self.timer?.cancel()
            self.timer = nil
        }
        return watcher
    }

    /// One timer for all, and none without watchers.
    private func scheduleExpiry() {
        guard self.timer == nil, let next = self.watchers.values.lazy.map(\.deadline).min() else { return }
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            self.timer = nil
            let now = NIODeadline.now()
            for (id, polled) in self.watchers where polled.deadline <= now {
                self.watchers[id] = nil
                polled.watcher.close()
            }
            self.scheduleExpiry()
        }
    }
}
