package import LinuxSystem
import Synchronization

/// A child that was started, for whoever asked for it.
package final class StartedChild: Sendable {
    /// The cgroup that was made for it, closed.
    package let cgroup: Cgroup?
    private let process: Mutex<SpawnedProcess?>

    init(_ process: consuming sending SpawnedProcess, in cgroup: Cgroup?) {
        self.cgroup = cgroup
        self.process = Mutex(process)
    }

    /// The child, the first time.
    package func take() -> sending SpawnedProcess? {
        self.process.withLock { $0.take() }
    }
}
