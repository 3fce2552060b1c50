package import LinuxSystem
package import NIOCore
import Synchronization

/// A child that was started, for whoever asked for it.
package final class StartedChild: Sendable {
    /// The cgroup that was made for it, closed.
    package let cgroup: Cgroup?
    package let processID: Int32
    /// When its start began.
    package let startTime: NIODeadline
    private let process: Mutex<SpawnedProcess?>

    init(_ process: consuming sending SpawnedProcess, in cgroup: Cgroup?, since startTime: NIODeadline) {
        self.cgroup = cgroup
        self.processID = process.processID
        self.startTime = startTime
        self.process = Mutex(process)
    }

    /// The child, the first time.
    package func take() -> sending SpawnedProcess? {
        self.process.withLock { $0.take() }
    }
}
