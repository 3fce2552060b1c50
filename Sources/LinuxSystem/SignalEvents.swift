internal import CLinuxSystem
package import SystemPackage

/// Turns signals into readability of a descriptor.
///
/// A signal belongs to one instance at a time. The end of an instance restores the default dispositions.
///
/// - SeeAlso: signalfd(2), sigaction(2), eventfd(2).
package final class SignalEvents: Sendable {
    /// How signals are taken.
    package enum Delivery: Sendable {
        /// By handlers: works whatever the signal masks of existing threads are, unless all of them block the signal.
        case handlers
        /// By a signalfd, which costs less: for signals that all threads block, see ``block(_:)``.
        case blocked
    }

    /// Readable when a signal has arrived since the last `drain()`, non-blocking. What is read is for
    /// ``arrived(_:)``.
    package let descriptor: OwnedDescriptor
    private let signals: [Int32]
    private let usesHandlers: Bool

    /// - Throws: `Errno.invalidArgument` if a signal cannot be caught, `Errno.resourceBusy` if another
    ///   instance has it.
    package init(signals: [Int32], _ delivery: Delivery = .handlers) throws(Errno) {
        let usesHandlers = delivery == .handlers
        let rawDescriptor =
            usesHandlers
            ? clinux_eventfd()
            : signals.withUnsafeBufferPointer { clinux_signalfd($0.baseAddress, CInt($0.count)) }
        guard rawDescriptor >= 0 else { throw Errno(rawValue: -rawDescriptor) }
        let descriptor = OwnedDescriptor(taking: rawDescriptor)
        for (index, signal) in signals.enumerated() where usesHandlers {
            let error = clinux_signal_direct(signal, rawDescriptor)
            guard error == 0 else {
                for taken in signals.prefix(index) { clinux_signal_restore(taken) }
                throw Errno(rawValue: error)
            }
        }
        // Last: what has all its parts is deinitialised, and would restore signals that are another instance's.
        self.descriptor = descriptor
        self.signals = signals
        self.usesHandlers = usesHandlers
    }

    deinit {
        guard self.usesHandlers else { return }
        for signal in self.signals { clinux_signal_restore(signal) }
    }

    /// Blocks `signals` in the calling thread and in those that it starts from now on; called by the only thread, it
    /// holds for all.
    package static func block(_ signals: [Int32]) {
        for signal in signals { clinux_signal_block(signal) }
    }

    /// Bytes of a signalfd's record, `struct signalfd_siginfo`.
    private static let recordBytes = 128
    /// Bytes of one read at most.
    private static let readBytes = 8 * recordBytes

    /// The signals that arrived since the last call; how often each did is not known.
    ///
    /// A signal that arrives meanwhile is in this result or makes the descriptor readable again.
    package func drain() -> Set<Int32> {
        withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 8) { target in
            // The descriptor first: marks made after this make it readable again. EAGAIN is fine.
            let count = (try? self.descriptor.read(into: target)) ?? 0
            return self.arrived(UnsafeRawBufferPointer(rebasing: target[..<count]))
        }
    }

    /// The same, for whoever has read `bytes` from the descriptor.
    ///
    /// Layout: of a signalfd, 128 bytes for each signal, which begin with its number (u32, host byte order).
    package func arrived(_ bytes: UnsafeRawBufferPointer) -> Set<Int32> {
        if self.usesHandlers { return Set(self.signals.filter(clinux_signal_take)) }
        return Set(
            stride(from: 0, through: bytes.count - Self.recordBytes, by: Self.recordBytes).map {
                Int32(bitPattern: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
            })
    }
}
