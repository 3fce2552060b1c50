import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import Synchronization

/// A process that was started for a client: its descriptors, what it wrote, who reads it and how it ended.
///
/// Bound to the event loop. It outlives the call that started it.
final class ManagedProcess: Sendable {
    /// What was asked for and by whom: two starts that are equal in this are the same execution.
    struct Origin: Equatable, Sendable {
        /// Of what is run; nil without an execution id.
        var digest: Int?
        var tag: String?
        var executionID: String?
        var account: String
        var hasTerminal: Bool

        /// Whether this is its tag, byte by byte: what only looks the same is another one's.
        func hasTag(_ tag: String) -> Bool { self.tag?.hasBytes(of: tag) ?? false }
    }

    /// What is kept of it.
    struct Retention: Sendable {
        /// Bytes of output, the newest.
        var outputBytes: Int
        /// Time after the end.
        var exit: TimeAmount
    }

    struct Output {
        let reader: DescriptorReader
        /// Bytes that were in the pipe when the process ended and are still to come; nil before.
        var leftAtExit: Int?
    }

    struct State {
        /// What was asked for; nothing once it has ended.
        var config: Process_ProcessConfig
        var log = OutputLog()
        var readers = ReaderSet()
        var outputs = PerStream<Output>()
        var bytes = PerStream<Int64>()
        /// The offset up to which somebody has read.
        var readUpTo: Int64 = 0
        var droppedUnread: Int64 = 0
        /// Nobody can ask for it any more but those that read already.
        var isForgotten = false
        var isPaused = false
        var stallTimer: Scheduled<Void>?
        /// The event loop reads the outputs.
        var isOpen = false
        var exit: ExitRecord?
        var exitTime: NIODeadline?
        /// The end does not wait for descendants that hold the output open.
        var endsWithLeader = false
        /// The time was over while the leader ran.
        var isTimedOut = false
        /// The time is over; the tree may still have its grace time.
        var isTimeOver = false
        var isTerminalDraining = false
        var requestedSignal: Int32?
        /// It was stopped by itself, and not with all others.
        var isFrozen = false
        var end: Process_ProcessEvent.EndEvent?
        var report = Process_ProcessEvent.ExitReport()
        var waiters = WaiterList()
        var lifetime: Lifetime?
        var ended: (() -> Void)?
    }

    let processID: Int32
    let origin: Origin
    let retention: Retention
    let eventLoop: any EventLoop
    let limits: OutputLimits
    let budget: NIOLoopBound<OutputBudget>
    let input: DescriptorWriter?
    /// What the process and all that it starts are in; nil without cgroups.
    let cgroup: Cgroup?
    let started: NIODeadline
    /// The terminal's own descriptor, for its size.
    let terminal: Mutex<OwnedDescriptor?>
    let state: NIOLoopBoundBox<State>

    var hasTerminal: Bool { self.origin.hasTerminal }
    /// What was asked for, while it runs.
    var config: Process_ProcessConfig { self.state.value.config }

    /// Takes over a child that has just been started. Nothing is read before ``begin(_:ended:)``.
    init(
        _ child: consuming SpawnedProcess, of config: Process_ProcessConfig, origin: Origin,
        retention: Retention, cgroup: Cgroup?, started: NIODeadline,
        limits: OutputLimits, budget: NIOLoopBound<OutputBudget>, eventLoop: any EventLoop
    ) {
        self.processID = child.processID
        self.origin = origin
        self.retention = retention
        self.cgroup = cgroup
        self.started = started
        self.limits = limits
        self.budget = budget
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox(State(config: config), eventLoop: eventLoop)
        if let terminal = child.terminal.take() {
            self.input = DescriptorWriter(duplicating: terminal, on: eventLoop)
            let output = DescriptorReader(duplicating: terminal, on: eventLoop)
            self.terminal = Mutex(terminal)
            if let output { self.state.value.outputs[.terminal] = Output(reader: output) }
        } else {
            if let input = child.standardInput.take() {
                self.input = DescriptorWriter(input, on: eventLoop)
            } else {
                self.input = nil
            }
            self.terminal = Mutex(nil)
            if let output = child.standardOutput.take() { self.addOutput(output, .stdout) }
            if let error = child.standardError.take() { self.addOutput(error, .stderr) }
        }
    }

    private func addOutput(_ descriptor: consuming OwnedDescriptor, _ stream: OutputLog.Stream) {
        let reader = DescriptorReader(descriptor, on: self.eventLoop)
        self.state.value.outputs[stream] = Output(reader: reader)
    }

    /// Begins to read the child's output and waits for its end.
    ///
    /// `ended` is called once when the end event is known, before readers see it.
    func begin(_ reaper: ChildReaper, ended: @escaping () -> Void) {
        self.state.value.ended = ended
        for (stream, output) in self.state.value.outputs.all {
            output.reader.prepare { self.received($0, from: stream) }
        }
        if self.hasTerminal { self.openOutputs() }
        reaper.watch(self.processID) { self.leaderExited($0) }
        // One that has ended meanwhile has been read.
        self.openOutputs()
    }

    /// Lets the event loop read what the process writes.
    func openOutputs() {
        guard !self.state.value.isOpen else { return }
        self.state.value.isOpen = true
        for (_, output) in self.state.value.outputs.all { output.reader.open() }
    }
}
