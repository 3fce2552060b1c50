import Connect
import LinuxIO
import LinuxSystem
import NIOCore
import SystemPackage

/// The one inotify instance, and which watchers want to know of which watch. Bound to the event loop.
///
/// An instance exists while there are watchers. They share it, because a user has only 128 of them; a directory that
/// several watch takes one watch of the kernel's.
final class WatchHub {
    /// Who wants to know of a watch; most often it is one.
    private enum Subscribers {
        case one(Int)
        case several(Set<Int>)
    }

    let limits: WatchLimits
    let eventLoop: any EventLoop
    private let pool: BlockingPool
    private var listener: InotifyListener?
    /// What threads that may block use of the instance.
    private(set) var counts: WatchCounts?
    private var watchers: [Int: Watcher] = [:]
    private var nextID = 0
    private var subscribers: [Int32: Subscribers] = [:]
    /// Watchers that have to be given every event, since some of their watches are not known yet.
    private var busy: Set<Int> = []
    /// Watchers that have to know when the queue is empty.
    private var fresh: Set<Int> = []
    private var moving: Set<Int> = []
    private var moveTimer: Scheduled<Void>?
    /// The last event, if it is the first half of a move: the kernel sends the second right after it, and an event
    /// that carries both names needs both.
    private var firstHalf: WatchEvent?
    private var halfTimer: Scheduled<Void>?
    /// A loss of events that is to be told after what was in the queue when it became known.
    private var loss: Loss?

    /// Events that the kernel did not keep.
    private struct Loss {
        /// None of them is from before.
        var since: FileTime
        /// Bytes that are still to be read of what was in the queue.
        var bytesLeft: Int
    }
    /// A time, the latest that is known, up to which all events have been received.
    private(set) var lastEmpty = FileTime.now

    init(limits: WatchLimits, pool: BlockingPool, eventLoop: any EventLoop) {
        self.limits = limits
        self.pool = pool
        self.eventLoop = eventLoop
    }

    // MARK: Watchers

    /// A watcher that receives all events until it knows what it is for.
    ///
    /// - Throws: `ConnectError` with `resourceExhausted` if there are too many.
    func makeWatcher(_ options: WatchOptions) throws(ConnectError) -> Watcher {
        guard self.watchers.count < self.limits.watchers else {
            throw ConnectError(
                .resourceExhausted, "\(self.limits.watchers) directories are watched, which is the limit")
        }
        self.drain()  // What has happened before does not concern it.
        self.nextID += 1
        let watcher = Watcher(self.nextID, options, self)
        self.watchers[watcher.id] = watcher
        self.busy.insert(watcher.id)
        return watcher
    }

    /// The watches that watchers share; the first watcher makes the instance.
    ///
    /// - Throws: `Errno`: `tooManyOpenFiles` at the limit of instances or descriptors.
    func openCounts() throws(Errno) -> WatchCounts {
        if let counts = self.counts { return counts }
        _ = InotifyLimit.queuedEvents.raise(to: self.limits.kernelQueue)
        let listener = try InotifyListener(on: self.eventLoop) { [unowned self] in self.receive($0, bytes: $1)
        }
        let counts = WatchCounts(listener.inotify)
        self.listener = listener
        self.counts = counts
        self.lastEmpty = .now
        return counts
    }

    func remove(_ watcher: Watcher) {
        self.watchers[watcher.id] = nil
        self.busy.remove(watcher.id)
        self.fresh.remove(watcher.id)
        self.moving.remove(watcher.id)
        if self.watchers.isEmpty { self.close() }
    }

    private func close() {
        self.moveTimer?.cancel()
        self.moveTimer = nil
        self.halfTimer?.cancel()
        self.halfTimer = nil
        self.firstHalf = nil
        self.loss = nil
        self.subscribers = [:]
        self.listener?.close()
        guard let last = self.counts else { return }
        self.listener = nil
        self.counts = nil
        // With many watches the end of an instance takes its time.
        self.run {
            withExtendedLifetime(last) {}
        } then: {
        }
    }

    /// Runs `body` on a thread that may block, and then `done` here.
    func run<Success: Sendable>(
        _ body: @escaping @Sendable () -> Success, then done: @escaping (Success) -> Void
    ) {
        self.pool.run(body, on: self.eventLoop, done)
    }

    // MARK: Watches

    /// Notes which watches a watcher has gained and lost.
    func update(_ watcher: Watcher, _ touched: [(watch: Int32, isWatched: Bool)]) {
        for (watch, isWatched) in touched {
            if isWatched {
                self.subscribe(watcher.id, to: watch)
            } else {
                self.unsubscribe(watcher.id, from: watch)
            }
        }
    }

    private func subscribe(_ id: Int, to watch: Int32) {
        switch self.subscribers[watch] {
        case nil: self.subscribers[watch] = .one(id)
        case .one(let other):
            if other != id { self.subscribers[watch] = .several([other, id]) }
        case .several(let others): self.subscribers[watch] = .several(others.union([id]))
        }
    }

    private func unsubscribe(_ id: Int, from watch: Int32) {
        switch self.subscribers[watch] {
        case nil: return
        case .one(let other): if other == id { self.subscribers[watch] = nil }
        case .several(let others):
            let left = others.subtracting([id])
            self.subscribers[watch] = left.count == 1 ? left.first.map { .one($0) } : .several(left)
        }
    }

    /// Gives watches back to the kernel, unless another watcher has them.
    func release(_ watches: [Int32]) {
        guard !watches.isEmpty, let counts = self.counts else { return }
        self.run {
            counts.release(watches)
        } then: {
        }
    }

    /// A watcher's tree is elsewhere.
    func setBusy(_ watcher: Watcher) {
        self.busy.insert(watcher.id)
    }

    /// A watcher has its tree back.
    ///
    /// - Parameters:
    ///   - isFresh: it was given a listing, and events from before that may still come.
    ///   - isMoving: something left its place and may appear in another.
    func setIdle(_ watcher: Watcher, isFresh: Bool, isMoving: Bool) {
        self.busy.remove(watcher.id)
        if isFresh { self.fresh.insert(watcher.id) }
        guard isMoving else { return }
        self.moving.insert(watcher.id)
        self.scheduleEndOfMoves()
    }

    // MARK: Events

    /// Receives, now, all that has happened up to now.
    func drain() {
        guard let listener = self.listener else { return }
        let now = FileTime.now
        listener.drain()
        if let half = self.takeFirstHalf() { self.take([half]) }
        if self.isQueueEmpty { self.queueRanEmpty(at: now) }
    }

    /// Whether everything that the kernel has sent up to now has been given to the watchers.
    var isQueueEmpty: Bool { self.firstHalf == nil && self.queuedBytes == 0 }

    private var queuedBytes: Int { self.listener?.readyBytes ?? 0 }

    /// Tells the watchers if there is nothing in the queue.
    func lookForEnd() {
        let now = FileTime.now
        if self.isQueueEmpty { self.queueRanEmpty(at: now) }
    }

    /// Whether directories are being scanned for events that have been received.
    var hasUnsettled: Bool { !self.busy.isEmpty }

    /// Calls `resume` when every watcher has looked at what was received up to now, or after a while.
    func whenSettled(_ resume: @escaping () -> Void) {
        var left = 0
        var isOver = false
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.settling) {
            if !isOver { resume() }
            isOver = true
        }
        let settled = {
            left -= 1
            guard left == 0, !isOver else { return }
            isOver = true
            timer.cancel()
            resume()
        }
        let waiting = self.busy.compactMap { self.watchers[$0] }
        left = waiting.count + 1
        for watcher in waiting { watcher.whenSettled(settled) }
        settled()
    }

    private func receive(_ events: [WatchEvent], bytes: Int) {
        let now = FileTime.now
        self.loss?.bytesLeft -= bytes
        var events = events
        if let half = self.takeFirstHalf() { events.insert(half, at: 0) }
        if let last = events.last, last.mask.contains(.movedFrom) {
            events.removeLast()
            self.firstHalf = last
            self.halfTimer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.halfTime) {
                self.drain()
            }
        }
        self.take(events)
        if self.isQueueEmpty { self.queueRanEmpty(at: now) }
    }

    private func takeFirstHalf() -> WatchEvent? {
        self.halfTimer?.cancel()
        self.halfTimer = nil
        return self.firstHalf.take()
    }

    private func take(_ events: [WatchEvent]) {
        var addressed: Set<Int> = []
        for event in events {
            guard !event.mask.contains(.overflow) else {
                self.loss = Loss(since: self.loss?.since ?? self.lastEmpty, bytesLeft: self.queuedBytes)
                continue
            }
            switch self.subscribers[event.watch] {
            case nil: break
            case .one(let id): self.give(event, to: id, &addressed)
            case .several(let ids): for id in ids { self.give(event, to: id, &addressed) }
            }
            for id in self.busy where !self.isSubscribed(id, to: event.watch) {
                self.give(event, to: id, &addressed)
            }
        }
        if let loss = self.loss, loss.bytesLeft <= 0 {
            // While the kernel's word of a loss waits in the queue it sends no other: what comes after it may have
            // holes too, up to where it was read. A listing repairs only what happened before all of that.
            self.loss = nil
            for watcher in self.watchers.values { watcher.receive(.lost(since: loss.since, count: nil)) }
            addressed.formUnion(self.watchers.keys)
        }
        for id in addressed { self.watchers[id]?.process() }
    }

    private func give(_ event: WatchEvent, to id: Int, _ addressed: inout Set<Int>) {
        guard let watcher = self.watchers[id] else { return }
        watcher.receive(.event(event))
        addressed.insert(id)
    }

    private func isSubscribed(_ id: Int, to watch: Int32) -> Bool {
        switch self.subscribers[watch] {
        case nil: false
        case .one(let other): other == id
        case .several(let others): others.contains(id)
        }
    }

    private func queueRanEmpty(at time: FileTime) {
        self.lastEmpty = time
        guard !self.fresh.isEmpty else { return }
        for id in self.fresh.subtracting(self.busy) {
            self.watchers[id]?.queueRanEmpty()
            self.fresh.remove(id)
        }
    }

    private func scheduleEndOfMoves() {
        guard self.moveTimer == nil, !self.moving.isEmpty else { return }
        self.moveTimer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.moveTime) {
            self.moveTimer = nil
            self.drain()
            for id in self.moving where self.watchers[id]?.endMoves() != true { self.moving.remove(id) }
            self.scheduleEndOfMoves()
        }
    }
}
