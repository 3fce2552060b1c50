import EnvdAPI
internal import Glibc
import LinuxIO
import LinuxSystem
import NIOCore
import Synchronization
import SystemPackage

/// A process that was started for a client: its descriptors, what it wrote, who reads it and how it ended.
///
/// Bound to the event loop. It outlives the call that started it.
final class ManagedProcess: Sendable {
    /// What a reader finds.
    enum Next {
        case chunk(OutputLog.Chunk)
        case waiting
        case ended(Process_ProcessEvent.EndEvent)
        /// The reader was too slow: what it has not read yet is gone, up to the offset.
        case lost(upTo: Int64)
    }

    private struct Output {
        let reader: DescriptorReader
        /// Bytes that were in the pipe when the process ended and are still to come; nil before.
        var leftAtExit: Int?
    }

    private struct State {
        var log = OutputLog()
        var readers = ReaderSet()
        var outputs: [OutputLog.Stream: Output] = [:]
        var isPaused = false
        var stallTimer: Scheduled<Void>?
        var exit: ExitRecord?
        /// The end does not wait for descendants that hold the output open.
        var endsWithLeader = false
        var end: Process_ProcessEvent.EndEvent?
        var exitWaiters: [() -> Void] = []
        var lifetime: Scheduled<Void>?
        var ended: (() -> Void)?
    }

    let processID: Int32
    let config: Process_ProcessConfig
    let tag: String?
    let hasTerminal: Bool
    let eventLoop: any EventLoop

    private let limits: OutputLimits
    private let pidfd: Mutex<OwnedDescriptor?>
    /// The terminal's own descriptor, for its size.
    private let terminal: Mutex<OwnedDescriptor?>
    let input: DescriptorWriter?
    private let state: NIOLoopBoundBox<State>

    /// Takes over a child that has just been started. Nothing is read before ``begin(_:ended:)``.
    init(
        _ child: consuming SpawnedProcess, config: Process_ProcessConfig, tag: String?, limits: OutputLimits,
        eventLoop: any EventLoop
    ) {
        self.processID = child.processID
        self.config = config
        self.tag = tag
        self.limits = limits
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        self.pidfd = Mutex(child.pidfd.take())
        if let terminal = child.terminal.take() {
            self.hasTerminal = true
            self.input = DescriptorWriter(duplicating: terminal, on: eventLoop)
            let output = DescriptorReader(duplicating: terminal, on: eventLoop)
            self.terminal = Mutex(terminal)
            if let output { self.state.value.outputs[.terminal] = Output(reader: output) }
        } else {
            self.hasTerminal = false
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
        for (stream, output) in self.state.value.outputs {
            output.reader.start { self.received($0, from: stream) }
        }
        reaper.watch(self.processID) { self.leaderExited($0) }
    }

    /// Kills the leader at `deadline` if it still runs.
    func setLifetime(_ deadline: NIODeadline) {
        guard self.state.value.exit == nil else { return }
        self.state.value.lifetime = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            try? self.send(SIGKILL)
        }
    }

    // MARK: Output

    private func received(_ event: DescriptorReader.Event, from stream: OutputLog.Stream) {
        switch event {
        case .bytes(let bytes):
            self.append(bytes, from: stream)
        case .end:
            self.state.value.outputs[stream] = nil
            self.endIfComplete()
        }
    }

    private func append(_ bytes: ByteBuffer, from stream: OutputLog.Stream) {
        if self.state.value.readers.isEmpty {
            self.state.value.log.append(bytes, from: stream)
            self.trim()
        } else {
            let wasAt = self.state.value.log.end
            self.state.value.log.append(bytes, from: stream)
            self.state.value.readers.refresh(at: wasAt)
            for wake in self.state.value.readers.wakes { wake() }
            self.holdBackIfNeeded()
        }
        if let left = self.state.value.outputs[stream]?.leftAtExit {
            self.state.value.outputs[stream]?.leftAtExit = left - bytes.readableBytes
            self.closeDrainedOutputs()
        }
    }

    /// Adds a reader of everything from now on. `wake` is called when there is something for it.
    func addReader(_ wake: @escaping @Sendable () -> Void) -> Int {
        self.state.value.readers.add(at: self.state.value.log.end, wake)
    }

    func removeReader(_ id: Int) {
        self.state.value.readers.remove(id)
        self.trim()
        self.goOnIfPossible()
    }

    /// What the reader `id` gets next; it has taken what it got before.
    func next(for id: Int) -> Next {
        guard let reader = self.state.value.readers[id] else { return .waiting }
        let offset = reader.offset
        guard let chunk = self.state.value.log.chunk(from: offset, limit: self.limits.eventBytes) else {
            return self.state.value.end.map { .ended($0) } ?? .waiting
        }
        guard chunk.offset == offset else { return .lost(upTo: chunk.offset) }
        self.state.value.readers.advance(id, to: chunk.end)
        self.trim()
        self.goOnIfPossible()
        return .chunk(chunk)
    }

    /// Drops what no reader needs any more.
    private func trim() {
        let end = self.state.value.log.end
        guard let slowest = self.state.value.readers.slowestOfAll else {
            self.state.value.log.drop(before: end)
            return
        }
        let waitedFor = self.state.value.readers.slowest ?? end
        let keptForStalled = max(slowest, end - Int64(self.limits.keptBytes))
        self.state.value.log.drop(before: min(waitedFor, keptForStalled))
    }

    private var isWindowFull: Bool {
        guard self.state.value.exit == nil || !self.state.value.endsWithLeader,
            let slowest = self.state.value.readers.slowest
        else { return false }
        return self.state.value.log.end - slowest > Int64(self.limits.windowBytes)
    }

    private func holdBackIfNeeded() {
        self.trim()
        guard !self.state.value.isPaused, self.isWindowFull else { return }
        self.state.value.isPaused = true
        for output in self.state.value.outputs.values { output.reader.pause() }
        self.watchForStall()
    }

    private func goOnIfPossible() {
        guard self.state.value.isPaused, !self.isWindowFull else { return }
        self.state.value.isPaused = false
        self.state.value.stallTimer?.cancel()
        self.state.value.stallTimer = nil
        for output in self.state.value.outputs.values { output.reader.resume() }
    }

    /// While the process is held back, looks whether the slowest reader takes anything at all.
    private func watchForStall() {
        let stallTime = self.limits.stallTime
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: stallTime) {
            self.state.value.stallTimer = nil
            let end = self.state.value.log.end
            if self.state.value.readers.someoneWaits(at: end) {
                self.state.value.readers.stall(behind: end, idleSince: .now() - stallTime)
            }
            self.trim()
            self.goOnIfPossible()
            if self.state.value.isPaused { self.watchForStall() }
        }
        self.state.value.stallTimer = timer
    }

    // MARK: The end

    private func leaderExited(_ record: ExitRecord) {
        self.state.value.exit = record
        self.state.value.lifetime?.cancel()
        self.state.value.lifetime = nil
        self.pidfd.withLock { $0 = nil }
        let waiters = self.state.value.exitWaiters
        self.state.value.exitWaiters = []
        for waiter in waiters { waiter() }
        if self.state.value.endsWithLeader { self.drainOutputs() }
        self.endIfComplete()
    }

    /// Reads what was written before the exit, and not what descendants write after it.
    private func drainOutputs() {
        for (stream, output) in self.state.value.outputs where output.leftAtExit == nil {
            self.state.value.outputs[stream]?.leftAtExit = output.reader.readyBytes
        }
        self.goOnIfPossible()
        self.closeDrainedOutputs()
    }

    private func closeDrainedOutputs() {
        for (stream, output) in self.state.value.outputs {
            guard let left = output.leftAtExit, left <= 0 else { continue }
            self.state.value.outputs[stream] = nil
            output.reader.close()
        }
        self.endIfComplete()
    }

    private func endIfComplete() {
        guard let exit = self.state.value.exit, self.state.value.outputs.isEmpty, self.state.value.end == nil
        else { return }
        self.state.value.end = ExitReport.event(exit.exit)
        self.state.value.stallTimer?.cancel()
        self.input?.close()
        self.terminal.withLock { $0 = nil }
        let ended = self.state.value.ended
        self.state.value.ended = nil
        ended?()
        for wake in self.state.value.readers.wakes { wake() }
    }

    /// The end event, once there is one.
    var end: Process_ProcessEvent.EndEvent? { self.state.value.end }

    /// Whether the leader has ended and been reaped.
    var hasExited: Bool { self.state.value.exit != nil }

    /// Returns when the leader has ended and been reaped, or after `limit`.
    func exited(within limit: TimeAmount) async {
        guard self.state.value.exit == nil else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            var isDone = false
            func done() {
                guard !isDone else { return }
                isDone = true
                continuation.resume()
            }
            let timer = self.eventLoop.assumeIsolated().scheduleTask(in: limit) { done() }
            self.state.value.exitWaiters.append {
                timer.cancel()
                done()
            }
        }
    }

    // MARK: Signals and size

    /// Sends `signal` to the leader, or with `descendants` to its process group.
    ///
    /// After SIGTERM and SIGKILL the end no longer waits for descendants that hold the output open. A leader
    /// that has exited but whose output is still open accepts every signal.
    ///
    /// - Throws: `Errno`: `noSuchProcess` in the moment between exit and reaping.
    func send(_ signal: Int32, descendants: Bool = false) throws(Errno) {
        if signal == SIGTERM || signal == SIGKILL { self.state.value.endsWithLeader = true }
        if self.state.value.exit == nil {
            if descendants {
                try LinuxSystem.send(signal: signal, toGroup: self.processID)
            } else {
                try self.pidfd.withLock { pidfd throws(Errno) in
                    switch pidfd {
                    case .some(let pidfd): try LinuxSystem.send(signal: signal, to: pidfd)
                    case .none: throw Errno.noSuchProcess
                    }
                }
            }
        } else if self.state.value.endsWithLeader {
            self.drainOutputs()
        }
    }

    /// Changes the terminal's size; the foreground process group gets SIGWINCH.
    ///
    /// - Throws: `Errno`: `notTerminal` without a terminal.
    func resize(_ size: TerminalSize) throws(Errno) {
        try self.terminal.withLock { terminal throws(Errno) in
            switch terminal {
            case .some(let terminal): try size.apply(to: terminal)
            case .none: throw Errno(rawValue: ENOTTY)
            }
        }
    }
}
