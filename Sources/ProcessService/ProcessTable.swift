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
    private var running: [ObjectIdentifier: ManagedProcess] = [:]
    private var byProcessID: [UInt32: ManagedProcess] = [:]
    private var ended: [UInt32: Ended] = [:]
    /// In the order in which they expire; an entry that has been replaced since is skipped.
    private var expiring = CircularBuffer<Ended>()
    private var timer: Scheduled<Void>?

    init(retention: TimeAmount, eventLoop: any EventLoop) {
        self.retention = retention
        self.eventLoop = eventLoop
    }

    /// The processes that run, in the order of their pids.
    var all: [ManagedProcess] { self.running.values.sorted { $0.processID < $1.processID } }

    /// Adds a process that has just been started. Ends of predecessors with its pid or tag are forgotten.
    func add(_ process: ManagedProcess) {
        let processID = UInt32(bitPattern: process.processID)
        self.running[ObjectIdentifier(process)] = process
        self.byProcessID[processID] = process
        self.ended[processID] = nil
        if let tag = process.tag {
            for (id, ended) in self.ended where ended.tag == tag { self.ended[id] = nil }
        }
    }

    /// Moves a process to those that have ended.
    func end(_ process: ManagedProcess) {
        guard self.running.removeValue(forKey: ObjectIdentifier(process)) != nil, let end = process.end else {
            return
        }
        let processID = UInt32(bitPattern: process.processID)
        // A successor with the same pid or tag is what clients ask for now.
        guard self.byProcessID[processID] === process else { return }
        self.byProcessID[processID] = nil
        if let tag = process.tag, self.running.values.contains(where: { $0.tag == tag }) { return }
        let ended = Ended(
            processID: processID, tag: process.tag, end: end, deadline: .now() + self.retention)
        self.ended[processID] = ended
        self.expiring.append(ended)
        if self.expiring.count > Self.endedCapacity { self.forget(self.expiring.removeFirst()) }
        self.scheduleExpiry()
    }

    func process(_ selector: ProcessSelection) -> ManagedProcess? {
        switch selector {
        case .processID(let processID): self.byProcessID[processID]
        case .tag(let tag): self.running.values.first { $0.tag == tag }
        }
    }

    func ended(_ selector: ProcessSelection) -> Ended? {
        switch selector {
        case .processID(let processID): self.ended[processID]
        case .tag(let tag): self.ended.values.first { $0.tag == tag }
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
