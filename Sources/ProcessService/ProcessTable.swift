import LinuxSystem
import NIOCore
import SystemPackage

/// The processes that run, and those that have ended lately. Bound to the event loop.
final class ProcessTable {
    private struct Ended {
        let process: ManagedProcess
        let deadline: NIODeadline
    }

    private let limits: OutputLimits
    private let budget: OutputBudget
    private let eventLoop: any EventLoop
    private var nextOrder = 0
    /// By the order in which they were started.
    private var running: [Int: ManagedProcess] = [:]
    private var ended: [Int: Ended] = [:]
    /// Those that have ended, the first first; some may have been forgotten since.
    private var endings = CircularBuffer<Int>()
    /// The newest process with a pid, running or ended.
    private var byProcessID: [UInt32: Int] = [:]
    private var byExecutionID: [ExecutionID: Int] = [:]
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    init(limits: OutputLimits, budget: OutputBudget, eventLoop: any EventLoop) {
        self.limits = limits
        self.budget = budget
        self.eventLoop = eventLoop
    }

    /// The processes that run, in the order in which they were started.
    var all: [ManagedProcess] { self.running.sorted { $0.key < $1.key }.map(\.value) }

    var runningCount: Int { self.running.count }

    /// Adds a process that has just been started. Ended predecessors with its pid or tag are forgotten.
    ///
    /// - Returns: what ``end(_:)`` is called with.
    func add(_ process: ManagedProcess) -> Int {
        let processID = UInt32(bitPattern: process.processID)
        if let order = self.byProcessID[processID], self.ended[order]?.process.origin.executionID == nil {
            self.forget(order)
        }
        if let tag = process.origin.tag {
            // An execution with an id stays: forgotten, it could be started a second time.
            for (order, ended) in self.ended
            where ended.process.origin.hasTag(tag) && ended.process.origin.executionID == nil {
                self.forget(order)
            }
        }
        self.nextOrder += 1
        self.running[self.nextOrder] = process
        self.byProcessID[processID] = self.nextOrder
        if let executionID = process.origin.executionID {
            self.byExecutionID[ExecutionID(executionID)] = self.nextOrder
        }
        return self.nextOrder
    }

    /// Moves a process to those that have ended.
    func end(_ order: Int) {
        guard let process = self.running.removeValue(forKey: order) else { return }
        let deadline = NIODeadline.now() + process.retention.exit
        self.ended[order] = Ended(process: process, deadline: deadline)
        self.endings.append(order)
        while self.ended.count > self.limits.rememberedProcesses, let oldest = self.endings.popFirst() {
            self.forget(oldest)
        }
        // What was forgotten otherwise, in time or for a successor, does not pile up here.
        if self.endings.count > 2 * self.limits.rememberedProcesses {
            self.endings.removeAll { self.ended[$0] == nil }
        }
        self.scheduleExpiry(deadline)
    }

    // MARK: Finding

    /// The process that is meant, running or ended. Of several with one tag: the newest that runs, else the latest
    /// that ended.
    func find(_ selection: ProcessSelection) -> ManagedProcess? {
        switch selection {
        case .processID(let processID):
            return self.byProcessID[processID].flatMap(self.process)
        case .tag(let tag):
            let running = self.running.lazy.filter { $0.value.origin.hasTag(tag) }.max { $0.key < $1.key }
            if let running { return running.value }
            return self.ended.values.lazy.filter { $0.process.origin.hasTag(tag) }
                .max { $0.deadline < $1.deadline }?.process
        case .executionID(let executionID):
            return self.byExecutionID[ExecutionID(executionID)].flatMap(self.process)
        }
    }

    /// The running process that is meant.
    func findRunning(_ selection: ProcessSelection) -> ManagedProcess? {
        self.find(selection).flatMap { $0.isEnded ? nil : $0 }
    }

    private func process(_ order: Int) -> ManagedProcess? {
        self.running[order] ?? self.ended[order]?.process
    }

    // MARK: Forgetting

    private func forget(_ order: Int) {
        guard let process = self.ended.removeValue(forKey: order)?.process else { return }
        let processID = UInt32(bitPattern: process.processID)
        if self.byProcessID[processID] == order { self.byProcessID[processID] = nil }
        if let executionID = process.origin.executionID, self.byExecutionID[ExecutionID(executionID)] == order
        {
            self.byExecutionID[ExecutionID(executionID)] = nil
        }
        process.forget()
    }

    /// Drops kept output until no more than `target` bytes are used: of ended processes first, the oldest first.
    func makeRoom(_ target: Int) {
        let order = self.ended.keys.sorted() + self.running.keys.sorted()
        for number in order {
            guard self.budget.used > target else { return }
            self.process(number)?.trim(keeping: 0)
        }
    }

    /// Remembers what has ended for longer: for a time in which nobody could ask for it.
    func shiftExpiry(by time: TimeAmount) {
        self.ended = self.ended.mapValues { Ended(process: $0.process, deadline: $0.deadline + time) }
    }

    /// One timer for all, set only while there is something to forget.
    private func scheduleExpiry(_ deadline: NIODeadline) {
        guard self.timer == nil || deadline < self.timerDeadline else { return }
        self.timer?.cancel()
        self.timerDeadline = deadline
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            let now = NIODeadline.now()
            for (order, ended) in self.ended where ended.deadline <= now { self.forget(order) }
            self.budget.returnMemory()
            // At most four times a second, however many end.
            let next = self.ended.values.lazy.map(\.deadline).min().map { max($0, now + .milliseconds(250)) }
            if let next { self.scheduleExpiry(next) }
        }
    }
}
