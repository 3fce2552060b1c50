import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import SystemPackage

/// Looks at the open ports for those who want to know, and not at all while nobody does. Bound to an event loop.
final class PortMonitor: Sendable {
    private struct Observer {
        let period: TimeAmount
        let receive: ([ListeningSocket]) -> Void
    }

    private struct State {
        var observers: [Int: Observer] = [:]
        var nextID = 0
        var timer: Scheduled<Void>?
        var isLooking = false
        /// The daemon's own sockets, and those that are known not to be.
        var own: Set<UInt32> = []
        var foreign: Set<UInt32> = []
    }

    private let executor: EventLoopTaskExecutor
    private let eventLoop: any EventLoop
    private let pool: BlockingPool
    private let state: NIOLoopBoundBox<State>

    init(pool: BlockingPool, on eventLoop: any EventLoop) {
        self.pool = pool
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Whether somebody wants to know.
    var isBusy: Bool { !self.state.value.observers.isEmpty }

    /// The sockets that accept connections, but for the daemon's own; ordered by port and address.
    ///
    /// - Throws: `Errno` if the kernel does not tell.
    func look() async throws(Errno) -> [ListeningSocket] {
        let known = (own: self.state.value.own, foreign: self.state.value.foreign)
        let (sockets, own) = try await self.pool.run {
            () throws(Errno) -> ([ListeningSocket], Set<UInt32>) in
            let sockets = try ListeningSocket.all()
            let inodes = Set(sockets.map(\.inode))
            let new = inodes.subtracting(known.own).subtracting(known.foreign)
            let own = known.own.intersection(inodes).union(SocketOwners.own(among: new))
            let foreign = sockets.filter { !own.contains($0.inode) }
            return (foreign.sorted { ($0.port, $0.address) < ($1.port, $1.address) }, own)
        }
        self.state.value.own = own
        self.state.value.foreign = Set(sockets.map(\.inode))
        return sockets
    }

    /// Calls `receive` with what is open, soon and then every `period`, until ``stop(_:)``.
    func observe(every period: TimeAmount, _ receive: @escaping ([ListeningSocket]) -> Void) -> Int {
        self.state.value.nextID += 1
        let id = self.state.value.nextID
        self.state.value.observers[id] = Observer(period: period, receive: receive)
        self.schedule(in: .zero)
        return id
    }

    func stop(_ id: Int) {
        self.state.value.observers[id] = nil
        guard self.state.value.observers.isEmpty else { return }
        self.state.value.timer?.cancel()
        self.state.value.timer = nil
    }

    /// Sets the timer, unless a look is under way, which sets it at its end.
    private func schedule(in wait: TimeAmount) {
        guard !self.state.value.isLooking else { return }
        self.state.value.timer?.cancel()
        self.state.value.timer = self.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.state.value.timer = nil
            self.state.value.isLooking = true
            _ = self.executor.startTask { await self.lookForObservers() }
        }
    }

    private func lookForObservers() async {
        let present = Set(self.state.value.observers.keys)
        // What the kernel does not tell this time, it may tell the next: nothing has closed for that.
        if let sockets = try? await self.look() {
            for (id, observer) in self.state.value.observers where present.contains(id) {
                observer.receive(sockets)
            }
        }
        self.state.value.isLooking = false
        let isNew = self.state.value.observers.keys.contains { !present.contains($0) }
        if let period = self.state.value.observers.values.map(\.period).min() {
            self.schedule(in: isNew ? .zero : period)
        }
    }
}
