internal import CLinuxSystem
package import SystemPackage

/// Turns signals into readability of a descriptor.
///
/// It works by handlers, so that the signal masks of threads which exist already make no difference, unless
/// all of them block the signal. Each signal belongs to one instance at a time. The end of an instance
/// restores the default dispositions.
///
/// - SeeAlso: sigaction(2), eventfd(2).
package final class SignalEvents: Sendable {
    /// Readable when a signal has arrived since the last `drain()`: an eventfd, non-blocking.
    package let descriptor: OwnedDescriptor
    private let signals: [Int32]

    /// - Throws: `Errno.invalidArgument` if a signal cannot be caught, `Errno.resourceBusy` if another
    ///   instance has it.
    package init(signals: [Int32]) throws(Errno) {
        let rawDescriptor = clinux_eventfd()
        guard rawDescriptor >= 0 else { throw Errno(rawValue: -rawDescriptor) }
        let descriptor = OwnedDescriptor(taking: rawDescriptor)
        for (index, signal) in signals.enumerated() {
            let error = clinux_signal_direct(signal, rawDescriptor)
            guard error == 0 else {
                for taken in signals.prefix(index) { clinux_signal_restore(taken) }
                throw Errno(rawValue: error)
            }
        }
        self.descriptor = descriptor
        self.signals = signals
    }

    deinit {
        for signal in self.signals { clinux_signal_restore(signal) }
    }

    /// The signals that arrived since the last call; how often each did is not known.
    ///
    /// A signal that arrives meanwhile is in this result or makes the descriptor readable again.
    package func drain() -> Set<Int32> {
        // The counter first: marks made after this make it readable again. EAGAIN, when it is 0, is fine.
        var counter: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &counter) { try? self.descriptor.read(into: $0) }
        return Set(self.signals.filter(clinux_signal_take))
    }
}
