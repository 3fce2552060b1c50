import Synchronization

/// Tells a thread that what it does is not wanted any more.
final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { self.flag.load(ordering: .relaxed) }

    func set() {
        self.flag.store(true, ordering: .relaxed)
    }
}
