internal import Glibc
import LinuxSystem
import NIOCore
import Synchronization
import SystemPackage

extension ManagedProcess {
    /// Whom a signal is for.
    enum Target: Sendable {
        /// The process that was started.
        case leader
        /// It and all that it started: everything in its cgroup, or without cgroups its process group.
        case tree
    }

    /// Sends a signal that a client asked for.
    ///
    /// After SIGTERM and SIGKILL the end no longer waits for descendants that hold the output open. A leader
    /// that has exited but whose output is still open accepts every signal.
    ///
    /// - Throws: `Errno`: `invalidArgument` for what is no signal.
    func send(_ signal: Int32, to target: Target) throws(Errno) {
        if self.state.value.exit == nil { self.state.value.requestedSignal = signal }
        try self.deliver(signal, to: target)
    }

    private func deliver(_ signal: Int32, to target: Target) throws(Errno) {
        if signal == SIGTERM || signal == SIGKILL { self.state.value.endsWithLeader = true }
        let hasExited = self.state.value.exit != nil
        switch target {
        case .tree:
            if let cgroup = self.cgroup {
                try cgroup.signal(signal)
            } else if !hasExited {
                try LinuxSystem.send(signal: signal, toGroup: self.processID)
            } else if !LinuxSystem.exists(processID: self.processID) {
                // No process gets the ID of a group that still has members. It may have none.
                try? LinuxSystem.send(signal: signal, toGroup: self.processID)
            }
        case .leader where !hasExited:
            // Children are reaped on this loop, and tell it at once: the ID is still the leader's.
            try LinuxSystem.send(signal: signal, toChild: self.processID)
        case .leader:
            break
        }
        if hasExited, self.state.value.endsWithLeader { self.drainOutputs() }
    }

    /// Ends the process at `deadline` if it still runs, or if others that it started still hold its output open.
    ///
    /// - Parameter grace: time between SIGTERM and SIGKILL; zero is SIGKILL at once.
    func setLifetime(_ deadline: NIODeadline, _ target: Target, grace: TimeAmount) {
        guard self.state.value.end == nil else { return }
        self.state.value.lifetime = Lifetime(until: deadline, on: self.eventLoop) {
            guard self.state.value.end == nil else { return }
            self.state.value.isTimedOut = self.state.value.exit == nil
            self.state.value.isTimeOver = true
            guard grace > .nanoseconds(0) else {
                try? self.deliver(SIGKILL, to: target)
                return
            }
            try? self.deliver(SIGTERM, to: target)
            self.state.value.lifetime = Lifetime(until: .now() + grace, on: self.eventLoop) {
                try? self.deliver(SIGKILL, to: target)
            }
        }
    }

    /// Stops or continues the process and all that it started.
    ///
    /// - Throws: `Errno`: `notSupported` without cgroups.
    func setFrozen(_ isFrozen: Bool) throws(Errno) {
        guard let cgroup = self.cgroup else { throw .notSupported }
        try cgroup.setFrozen(isFrozen)
        self.state.value.isFrozen = isFrozen
    }

    /// Changes the terminal's size; the foreground process group gets SIGWINCH.
    ///
    /// - Throws: `Errno`: ENOTTY without a terminal.
    func resize(_ size: TerminalSize) throws(Errno) {
        try self.terminal.withLock { terminal throws(Errno) in
            switch terminal {
            case .some(let terminal): try size.apply(to: terminal)
            case .none: throw Errno(rawValue: ENOTTY)
            }
        }
    }
}
