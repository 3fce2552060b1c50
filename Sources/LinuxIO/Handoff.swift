import Synchronization

/// Carries one value with a single owner to another thread, where it is taken out once.
package final class Handoff<Value: ~Copyable & Sendable>: Sendable {
    private let value: Mutex<Value?>

    /// Holds `value` until it is taken.
    package init(_ value: consuming sending Value) {
        self.value = Mutex(value)
    }

    /// The value, the first time.
    package func take() -> sending Value? {
        self.value.withLock { $0.take() }
    }
}
