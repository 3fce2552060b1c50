import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import Synchronization

extension ManagedProcess {
    func leaderExited(_ record: ExitRecord) {
        self.state.value.exit = record
        self.state.value.exitTime = .now()
        self.thawDescendants()
        for resume in self.state.value.waiters.removeAll(.exit) { resume() }
        if !self.state.value.isOpen {
            // Having the event loop watch a pipe costs ten times as much as this.
            for (_, output) in self.state.value.outputs.all { output.reader.readReady() }
            // What descendants hold open.
            self.openOutputs()
        }
        if self.state.value.endsWithLeader { self.drainOutputs() }
        self.endIfComplete()
    }

    /// Lets go on what is left of a command that was frozen and whose leader was killed: nobody could ask for it any more.
    private func thawDescendants() {
        guard self.state.value.isFrozen else { return }
        // Without a cgroup that is there, there is nothing left in it.
        try? self.setFrozen(false)
    }

    /// Time for which a terminal is read on after the exit, while descendants hold it open.
    private static let terminalDrainTime = TimeAmount.milliseconds(100)

    /// Reads what was written before the exit, and not what descendants write after it.
    func drainOutputs() {
        for (stream, output) in self.state.value.outputs.all where output.leftAtExit == nil {
            if stream == .terminal {
                self.drainTerminal()
            } else {
                self.state.value.outputs[stream]?.leftAtExit = output.reader.readyBytes
            }
        }
        self.goOnIfPossible()
        self.closeDrainedOutputs()
    }

    /// Reads a terminal to its end, or for a while: the kernel does not tell how much of what was written is still on
    /// its way.
    private func drainTerminal() {
        guard !self.state.value.isTerminalDraining else { return }
        self.state.value.isTerminalDraining = true
        _ = self.eventLoop.assumeIsolated().scheduleTask(in: Self.terminalDrainTime) {
            self.state.value.outputs[.terminal]?.leftAtExit = 0
            self.closeDrainedOutputs()
        }
    }

    func closeDrainedOutputs() {
        for (stream, output) in self.state.value.outputs.all {
            guard let left = output.leftAtExit, left <= 0 else { continue }
            self.state.value.outputs[stream] = nil
            output.reader.close()
        }
        self.endIfComplete()
    }

    func endIfComplete() {
        guard let record = self.state.value.exit, self.state.value.outputs.isEmpty,
            self.state.value.end == nil
        else { return }
        self.state.value.end = ExitDescription.event(record.exit)
        // Arguments and environment can be megabytes, and ends are remembered by the thousand.
        self.state.value.config = Process_ProcessConfig()
        self.state.value.report = self.report(record)
        self.state.value.stallTimer?.cancel()
        // Once time is over, the tree still has its grace time.
        if !self.state.value.isTimeOver { self.state.value.lifetime?.cancel() }
        self.state.value.lifetime = nil
        self.input?.abort()
        self.terminal.withLock { $0 = nil }
        self.thawDescendants()
        let ended = self.state.value.ended
        self.state.value.ended = nil
        ended?()
        for wake in self.state.value.readers.wakes { wake() }
        for resume in self.state.value.waiters.removeAll(.end) { resume() }
    }

    private func report(_ record: ExitRecord) -> Process_ProcessEvent.ExitReport {
        let state = self.state.value
        var report = Process_ProcessEvent.ExitReport()
        let wallTime = (state.exitTime ?? .now()) - self.started
        report.cause = self.cause(record.exit)
        if case .signaled(let signal, let coreDumped) = record.exit {
            report.signal = signal
            report.coreDumped = coreDumped
        }
        report.wallMicroseconds = UInt64(max(0, wallTime.nanoseconds / 1000))
        report.userMicroseconds = UInt64(max(0, record.userTime))
        report.systemMicroseconds = UInt64(max(0, record.systemTime))
        report.peakMemoryBytes = UInt64(max(0, record.peakResidentKiB)) << 10
        report.stdoutBytes = UInt64(state.bytes[.stdout] ?? 0)
        report.stderrBytes = UInt64(state.bytes[.stderr] ?? 0)
        report.ptyBytes = UInt64(state.bytes[.terminal] ?? 0)
        report.droppedBytes = UInt64(state.droppedUnread)
        return report
    }

    private func cause(_ exit: ChildExit) -> Process_ProcessEvent.ExitReport.Cause {
        if self.state.value.isTimedOut { return .timeout }
        switch exit {
        case .exited:
            return .exit
        case .signaled(let signal, _):
            if signal == self.state.value.requestedSignal { return .request }
            let killedByKernel = self.cgroup?.value(of: "oom_kill", in: "memory.events") ?? 0
            return killedByKernel > 0 ? .oom : .signal
        }
    }

    /// The end event, once there is one; with the report for clients that know it.
    func end(withReport: Bool) -> Process_ProcessEvent.EndEvent? {
        guard var end = self.state.value.end else { return nil }
        if withReport { end.report = self.state.value.report }
        return end
    }

    /// Whether the process has ended and its output is complete.
    var isEnded: Bool { self.state.value.end != nil }

    /// Whether the leader has ended and been reaped.
    var hasExited: Bool { self.state.value.exit != nil }

    /// Returns when the leader has ended and been reaped, or after `limit`.
    func exited(within limit: TimeAmount) async {
        guard self.state.value.exit == nil else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let id = self.state.value.waiters.add(.exit) { continuation.resume() }
            _ = self.eventLoop.assumeIsolated().scheduleTask(in: limit) {
                self.state.value.waiters.remove(id)?()
            }
        }
    }

    /// Returns when the process has ended and its output is complete, or when the task is cancelled.
    func ended() async {
        guard self.state.value.end == nil else { return }
        let id = NIOLoopBoundBox<Int?>(nil, eventLoop: self.eventLoop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                id.value = self.state.value.waiters.add(.end) { continuation.resume() }
            }
        } onCancel: {
            self.eventLoop.execute {
                if let id = id.value { self.state.value.waiters.remove(id)?() }
            }
        }
    }
}
