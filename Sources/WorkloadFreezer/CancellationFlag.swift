import LinuxSystem
import Synchronization

/// Tells a thread that what it does is not wanted any more.
final class CancellationFlag: Sendable {
    private let flag = Atomic(false)
    private let bell = ThreadBell()

    var isSet: Bool { self.flag.load(ordering: .relaxed) }

    func set() {
        self.flag.store(true, ordering: .relaxed)
        self.bell.ring()
    }

    /// Waits until it is set, at most for that long. Only one thread may.
    func wait(milliseconds: UInt32) {
        _ = self.bell.wait(milliseconds: milliseconds)
    }
}
