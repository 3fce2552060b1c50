import NIOCore

/// Watchers that outlive the calls of their clients, by their ids. Bound to the event loop.
final class WatcherTable {
    private struct Kept {
        let watcher: Watcher
        /// Time without its client after which it ends.
        let expiry: TimeAmount
        /// Nil while a call has it.
        var deadline: NIODeadline?
    }

    private let eventLoop: any EventLoop
    private var watchers: [String: Kept] = [:]
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    private static let idLetters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    private static let idLength = 20

    /// Keeps a watcher until it is removed, or nobody has asked for it for the time `expiry`.
    ///
    /// - Returns: its id: `w` and 20 random letters and digits.
    func add(_ watcher: Watcher, expiry: TimeAmount) -> String {
        var id: String
        repeat {
            id = "w" + String((0..<Self.idLength).compactMap { _ in Self.idLetters.randomElement() })
        } while self.watchers[id] != nil
        self.watchers[id] = Kept(watcher: watcher, expiry: expiry)
        self.letGo(id)
        return id
    }

    /// The watcher that a client asks for, which thereby lives on.
    func find(_ id: String) -> Watcher? {
        guard let kept = self.watchers[id] else { return nil }
        if kept.deadline != nil { self.watchers[id]?.deadline = .now() + kept.expiry }
        return kept.watcher
    }

    /// The watcher that a client asks for, which lives on until it is let go.
    func hold(_ id: String) -> Watcher? {
        self.watchers[id]?.deadline = nil
        return self.watchers[id]?.watcher
    }

    /// Counts the time from now on.
    func letGo(_ id: String) {
        guard let kept = self.watchers[id] else { return }
        let deadline = NIODeadline.now() + kept.expiry
        self.watchers[id]?.deadline = deadline
        self.scheduleExpiry(deadline)
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
    private func scheduleExpiry(_ deadline: NIODeadline) {
        guard self.timer == nil || deadline < self.timerDeadline else { return }
        self.timer?.cancel()
        self.timerDeadline = deadline
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            let now = NIODeadline.now()
            for (id, kept) in self.watchers {
                guard let deadline = kept.deadline, deadline <= now else { continue }
                self.watchers[id] = nil
                kept.watcher.close()
            }
            if let next = self.watchers.values.lazy.compactMap(\.deadline).min() { self.scheduleExpiry(next) }
        }
    }
}
