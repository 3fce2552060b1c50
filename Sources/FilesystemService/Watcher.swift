import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore

/// One watched directory and the events of it that wait for a client. Bound to the event loop.
///
/// Events are taken strictly in order. What takes no system call happens on the loop at once; for the rest, the tree
/// goes to a thread that may block, and what comes meanwhile waits.
final class Watcher {
    /// What comes from the kernel.
    enum Received: Sendable {
        case event(WatchEvent)
        /// Events were lost, none of them from before this time; how many, if that is known.
        case lost(since: FileTime, count: UInt64?)

        var event: WatchEvent? {
            switch self {
            case .event(let event): event
            case .lost: nil
            }
        }
    }

    let id: Int
    let options: WatchOptions
    private let hub: WatchHub
    private var place: WatchPlace?
    /// Nil while it is elsewhere.
    private var tree: WatchTree?
    private(set) var isClosed = false
    private var inbox = CircularBuffer<Received>()
    /// What is in the inbox has not happened before this time.
    private var inboxSince = FileTime.now
    /// Events that were received and not kept.
    private var notKept: UInt64 = 0
    /// How much has been received and how much of it taken, ever.
    private var receivedCount = 0
    private var takenCount = 0
    /// Who waits until this much has been taken.
    private var waiters: [Waiter] = []
    private var queue: WatchQueue
    /// The newest event that has waited for its like; nil where none have to.
    private var gathered: UInt64?
    private var gathering: Scheduled<Void>?
    /// Why nothing more will be seen.
    private(set) var failure: ConnectError?
    /// Called when there is something new in the queue, or nothing any more.
    var wake: (() -> Void)?
    /// Called when somebody else takes the events from now on.
    var leave: (() -> Void)?

    private struct Waiter {
        let count: Int
        let resume: () -> Void
    }

    /// A watcher that collects what happens until it is told what it is for.
    init(_ id: Int, _ options: WatchOptions, _ hub: WatchHub) {
        self.id = id
        self.options = options
        self.hub = hub
        self.queue = WatchQueue(hub.limits, merges: options.coalescing != nil)
        self.queue.retains = options.lingering != nil
        self.gathered = options.coalescing == nil ? nil : 0
    }

    // MARK: Life

    /// Begins, with what was found when the directory was scanned.
    func begin(_ place: WatchPlace, _ tree: consuming WatchTree) {
        self.place = place
        self.restore(tree)
        self.hub.lookForEnd()
    }

    /// Ends: what it watches is given back.
    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.inbox = []
        self.resumeWaiters { _ in true }
        if var tree = self.tree.take() {
            tree.lose()
            self.handOver(&tree)
        }
        self.wake?()
        self.wake = nil
        self.gathering?.cancel()
        self.gathering = nil
        self.hub.remove(self)
    }

    private func fail(_ error: ConnectError) {
        self.failure = error
        self.takenCount += self.inbox.count
        self.inbox = []
        self.wake?()
    }

    // MARK: Receiving

    /// Whether its tree is elsewhere, so that it is not known which watches are its own.
    var isBusy: Bool { self.tree == nil && !self.isClosed }

    /// Takes what the kernel says into the queue of what is to be looked at; ``process()`` follows.
    func receive(_ received: Received) {
        guard self.failure == nil else { return }
        if self.inbox.isEmpty {
            self.inboxSince = self.hub.lastEmpty
            self.notKept = 0
        }
        self.receivedCount += 1
        self.inbox.append(received)
        guard self.inbox.count > self.hub.limits.eventsDuringScan else { return }
        self.notKept += UInt64(self.inbox.count { $0.event != nil })
        self.takenCount += self.inbox.count - 1
        self.inbox = [.lost(since: self.inboxSince, count: self.notKept)]
    }

    /// Whether what was received waits until the client takes what there is.
    var isHeldBack: Bool { !self.inbox.isEmpty && self.queue.isFull() && !self.isBusy }

    /// Looks at what was received, unless that is being done already, or the client has too much to take.
    ///
    /// What is not looked at does not change the tree: if there is too much of it in the end, a listing still finds
    /// what the client does not know.
    func process() {
        guard !self.inbox.isEmpty, !self.queue.isFull(), var tree = self.tree.take() else { return }
        var step = WatchTree.Step.done
        var loss = WatchScan.Loss(since: self.hub.lastEmpty, count: nil)
        let room = self.hub.limits.queuedEvents
        if !self.options.includesEntries {
            var changes: [WatchChange] = []
            while step == .done, changes.count < room, let received = self.inbox.popFirst() {
                self.takenCount += 1
                switch received {
                case .event(let event):
                    step = tree.receive(event, before: self.inbox.first?.event, into: &changes)
                case .lost(let since, let count):
                    step = .rescan
                    loss = WatchScan.Loss(since: since, count: count)
                }
            }
            if let filter = tree.filter { changes.removeAll { !filter.tells($0.path) } }
            self.tell(changes.lazy.map { .change($0, nil) })
        }
        if step == .done, self.inbox.isEmpty || !self.options.includesEntries {
            self.restore(tree)
        } else {
            self.scan(tree, step, loss)
        }
    }

    private func scan(_ tree: consuming WatchTree, _ step: WatchTree.Step, _ loss: WatchScan.Loss) {
        guard let place = self.place, let counts = self.hub.counts else { return }
        let received = Array(self.inbox)
        self.inbox = []
        let scan = Handoff(
            WatchScan(
                place, counts, tree, describes: self.options.includesEntries, limits: self.hub.limits))
        self.hub.setBusy(self)
        self.hub.run {
            () -> (Handoff<WatchScan>, ConnectError?)? in
            guard var work = scan.take() else { return nil }
            do throws(ConnectError) {
                try work.run(step, loss, received)
                return (Handoff(work), nil)
            } catch {
                return (Handoff(work), error)
            }
        } then: { result in
            guard let (handoff, error) = result, let scan = handoff.take() else { return }
            self.takenCount += received.count
            self.tell(scan.items)
            if let error { self.fail(error) }
            var tree = scan.tree
            if step == .verify, self.inbox.isEmpty, self.hub.isQueueEmpty {
                // What a look found odd when all was still is as it is.
                tree.endDoubts()
                // No event says that the directory went: one above it did, or a link on the way to it.
                if scan.isOutOfPlace, !tree.isLost, self.failure == nil {
                    self.tell(WatchScan.end(lost: nil))
                    tree.lose()
                }
            }
            self.restore(tree)
            self.hub.lookForEnd()
        }
    }

    /// Takes the tree back, and goes on.
    private func restore(_ tree: consuming WatchTree) {
        var tree = tree
        if self.isClosed || self.failure != nil { tree.lose() }
        self.handOver(&tree)
        guard !self.isClosed else { return }
        self.tree = tree
        self.hub.setIdle(self, isFresh: !tree.fresh.isEmpty || tree.hasDoubts, isMoving: tree.hasMoves)
        if !self.inbox.isEmpty { self.process() }
        let limit = self.isBusy ? self.takenCount - 1 : self.takenCount
        let isHeldBack = self.isHeldBack
        self.resumeWaiters { isHeldBack || $0.count <= limit }
    }

    private func handOver(_ tree: inout WatchTree) {
        self.hub.update(self, tree.takeTouchedWatches())
        self.hub.release(tree.takeReleasedWatches())
    }

    private func tell(_ items: some Sequence<WatchQueue.Item>) {
        var isTold = false
        for item in items {
            self.queue.append(item)
            isTold = true
        }
        guard isTold else { return }
        guard let window = self.options.coalescing else {
            self.wake?()
            return
        }
        guard self.gathering == nil else { return }
        self.gathering = self.hub.eventLoop.assumeIsolated().scheduleTask(in: window) {
            self.gathering = nil
            self.gathered = self.queue.last
            self.wake?()
        }
    }

    // MARK: The hub's clock

    /// All events that happened up to now have been received.
    func queueRanEmpty() {
        guard self.inbox.isEmpty, var tree = self.tree.take() else { return }
        tree.queueRanEmpty()
        guard tree.hasDoubts, !tree.isLost else {
            self.tree = tree
            return
        }
        self.scan(tree, .verify, WatchScan.Loss(since: self.hub.lastEmpty, count: nil))
    }

    /// Some time has passed; whether moves are still waited for.
    func endMoves() -> Bool {
        guard var tree = self.tree.take() else { return true }
        tree.endMoves()
        self.handOver(&tree)
        let hasMoves = tree.hasMoves
        self.tree = tree
        return hasMoves
    }

    // MARK: Asking

    /// The next event for the client, once it has waited for its like.
    func next() -> Filesystem_FilesystemEvent? {
        guard let (item, cursor) = self.queue.next(upTo: self.gathered ?? .max) else { return nil }
        // Not for each event that is taken, since there are as many in one go as there is room for.
        if !self.inbox.isEmpty, !self.queue.isFull(dividedBy: 2) { self.process() }
        return .init(item, cursor, self.options)
    }

    /// All events for the client.
    func takeAll() -> [Filesystem_FilesystemEvent] {
        var events: [Filesystem_FilesystemEvent] = []
        while let (item, cursor) = self.queue.next() { events.append(.init(item, cursor, self.options)) }
        self.process()
        return events
    }

    /// The cursor of the event that was taken last.
    var cursor: UInt64 { self.queue.cursor }

    /// Goes on after an event that the client has. From now on events stay until they are forgotten.
    ///
    /// - Parameter forgetting: the client will not ask for it and those before it again.
    /// - Throws: `ConnectError` with `outOfRange` if there has never been such an event.
    func seek(after cursor: UInt64, forgetting: Bool) throws(ConnectError) {
        self.queue.retains = true
        guard self.queue.seek(after: cursor, forgetting: forgetting) else {
            throw ConnectError(
                .outOfRange, "cursor \(cursor) is behind the newest event, \(self.queue.last)")
        }
    }

    /// Calls `resume` when all that was received up to now has been looked at, and new directories are watched.
    func whenSettled(_ resume: @escaping () -> Void) {
        guard !self.isClosed, self.isBusy || !self.inbox.isEmpty, !self.isHeldBack else {
            resume()
            return
        }
        self.waiters.append(Waiter(count: self.receivedCount, resume: resume))
    }

    private func resumeWaiters(_ isReady: (Waiter) -> Bool) {
        let ready = self.waiters.filter(isReady)
        guard !ready.isEmpty else { return }
        self.waiters.removeAll(where: isReady)
        for waiter in ready { waiter.resume() }
    }
}
