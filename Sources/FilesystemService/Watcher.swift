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
        /// Events were lost, none of them from before this time.
        case lost(since: FileTime)
    }

    struct Options: Sendable {
        var isRecursive = false
        var includesEntries = false
        var allowsNetwork = false
    }

    let id: Int
    let options: Options
    private let hub: WatchHub
    private var place: WatchPlace?
    /// Nil while it is elsewhere.
    private var tree: WatchTree?
    private var isClosed = false
    private var inbox = CircularBuffer<Received>()
    /// How much has been received and how much of it taken, ever.
    private var receivedCount = 0
    private var takenCount = 0
    /// Who waits until this much has been taken.
    private var waiters: [Waiter] = []
    private var queue: WatchQueue
    /// Why nothing more will be seen.
    private(set) var failure: ConnectError?
    /// Called when there is something new in the queue, or nothing any more.
    var wake: (() -> Void)?

    private struct Waiter {
        let count: Int
        let resume: () -> Void
    }

    /// A watcher that collects what happens until it is told what it is for.
    init(_ id: Int, _ options: Options, _ hub: WatchHub) {
        self.id = id
        self.options = options
        self.hub = hub
        self.queue = WatchQueue(hub.limits)
    }

    // MARK: Life

    /// Begins, with what was found when the directory was scanned.
    func begin(_ place: WatchPlace, _ tree: consuming WatchTree) {
        self.place = place
        self.restore(tree)
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
        self.wake = nil
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
        self.receivedCount += 1
        self.inbox.append(received)
        guard self.inbox.count > self.hub.limits.eventsDuringScan else { return }
        self.takenCount += self.inbox.count - 1
        self.inbox = [.lost(since: self.hub.lastEmpty)]
    }

    /// Looks at what was received, unless that is being done already.
    func process() {
        guard !self.inbox.isEmpty, var tree = self.tree.take() else { return }
        var step = WatchTree.Step.done
        var since = self.hub.lastEmpty
        if !self.options.includesEntries {
            var changes: [WatchChange] = []
            while step == .done, let received = self.inbox.popFirst() {
                self.takenCount += 1
                switch received {
                case .event(let event): step = tree.receive(event, into: &changes)
                case .lost(let time):
                    step = .rescan
                    since = time
                }
            }
            self.tell(changes.lazy.map { .change($0, nil) })
        }
        if step == .done, self.inbox.isEmpty {
            self.restore(tree)
        } else {
            self.scan(tree, step, since)
        }
    }

    private func scan(_ tree: consuming WatchTree, _ step: WatchTree.Step, _ since: FileTime) {
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
                try work.run(step, since: since, received)
                return (Handoff(work), nil)
            } catch {
                return (Handoff(work), error)
            }
        } then: { result in
            guard let (handoff, error) = result, let scan = handoff.take() else { return }
            self.takenCount += received.count
            self.tell(scan.items)
            if let error { self.fail(error) }
            self.restore(scan.tree)
        }
    }

    /// Takes the tree back, and goes on.
    private func restore(_ tree: consuming WatchTree) {
        var tree = tree
        if self.isClosed || self.failure != nil { tree.lose() }
        self.handOver(&tree)
        guard !self.isClosed else { return }
        self.tree = tree
        self.hub.setIdle(self, isFresh: !tree.fresh.isEmpty, isMoving: tree.hasMoves)
        if !self.inbox.isEmpty { self.process() }
        let limit = self.isBusy ? self.takenCount - 1 : self.takenCount
        self.resumeWaiters { $0.count <= limit }
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
        if isTold { self.wake?() }
    }

    // MARK: The hub's clock

    /// All events that happened up to now have been received.
    func queueRanEmpty() {
        guard self.inbox.isEmpty else { return }
        self.tree?.queueRanEmpty()
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

    /// The next event for the client.
    func next() -> WatchQueue.Item? { self.queue.popFirst() }

    var hasNext: Bool { !self.queue.isEmpty }

    /// Calls `resume` when all that was received up to now has been looked at, and new directories are watched.
    func whenSettled(_ resume: @escaping () -> Void) {
        guard !self.isClosed, self.tree == nil || !self.inbox.isEmpty else {
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
