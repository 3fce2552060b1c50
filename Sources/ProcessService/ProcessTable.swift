import EnvdAPI
import NIOCore

/// The processes that run, and the ends of those that have ended lately. Bound to the event loop.
final class ProcessTable {
    /// What remains of a process that has ended.
    struct Ended {
        let processID: UInt32
        let tag: String?
        let end: Process_ProcessEvent.EndEvent
        let deadline: NIODeadline
    }

    /// Ends that are kept at most, whatever the retention time.
    private static let endedCapacity = 50_000

    private let retention: TimeAmount
    private let eventLoop: any EventLoop
    /// By the order in which they were started.
    private var running: [Int: ManagedProcess] = [:]
    private var nextOrder = 0
    private var byProcessID: [UInt32: ManagedProcess] = [:]
    private var ended: [UInt32: Ended] = [:]
    /// In the order in which they expire; an entry that has been replaced since is skipped.
    private var expiring = CircularBuffer<Ended>()
    private var timer: Scheduled<Void>?

    init(retention: TimeAmount, eventLoop: any EventLoop) {
        self.retention = retention
        self.eventLoop = eventLoop
    }

    /// The processes that run, in the order in which they were started.
    var all: [ManagedProcess] { self.running.sorted { $0.key < $1.key }.map(\.value) }

    /// Adds a process that has just been started. Ends of predecessors with its pid or tag are forgotten.
    ///
    /// - Returns: what ``end(_:)`` is called with.
    func add(_ process: ManagedProcess) -> Int {
        let processID = UInt32(bitPattern: process.processID)
        self.nextOrder += 1
        self.running[self.nextOrder] = process
        self.byProcessID[processID] = process
        self.ended[processID] = nil
        if let tag = process.tag {
            for (id, ended) in self.ended where ended.tag == tag { self.ended[id] = nil }
        }
        return self.nextOrder
    }

    /// Moves a process to those that have ended.
    func end(_ order: Int) {
        guard let process = self.running.removeValue(forKey: order), let end = process.end else { return }
        let processID = UInt32(bitPattern: process.processID)
        // A successor with the same pid is what clients ask for now.
        guard self.byProcessID[processID] === process else { return }
        self.byProcessID[processID] = nil
        let ended = Ended(
            processID: processID, tag: process.tag, end: end, deadline: .now() + self.retention)
        self.ended[processID] = ended
        self.expiring.append(ended)
        if self.expiring.count > Self.endedCapacity { self.forget(self.expiring.removeFirst()) }
        self.scheduleExpiry()
    }

    /// The running process that is meant: of several with one tag, the newest.
    func process(_ selector: ProcessSelection) -> ManagedProcess? {
        switch selector {
        case .processID(let processID): self.byProcessID[processID]
        case .tag(let tag): self.running.lazy.filter { $0.value.tag == tag }.max { $0.key < $1.key }?.value
        }
    }

    /// The end that is meant: of several with one tag, the latest.
    func ended(_ selector: ProcessSelection) -> Ended? {
        switch selector {
        case .processID(let processID): self.ended[processID]
        case .tag(let tag): self.ended.values.lazy.filter { $0.tag == tag }.max { $0.deadline < $1.deadline }
        }
    }

    private func forget(_ entry: Ended) {
        if self.ended[entry.processID]?.deadline == entry.deadline { self.ended[entry.processID] = nil }
    }

    /// One timer for all, set only while there is something to forget.
    private func scheduleExpiry() {
        guard self.timer == nil, let first = self.expiring.first else { return }
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: first.deadline) {
            self.timer = nil
            let now = NIODeadline.now()
            while let first = self.expiring.first, first.deadline <= now {
                self.forget(self.expiring.removeFirst())
            }
            self.scheduleExpiry()
        }
    }
}
