package import LinuxSystem
package import NIOCore
package import SystemPackage

/// Turns signals into calls on the event loop.
package final class SignalListener: Sendable {
    private let events: SignalEvents
    private let reader: NIOLoopBoundBox<DescriptorReader?>

    /// Listens for `signals`, from now on handled nowhere else in the process.
    ///
    /// - Throws: `Errno` if the handlers cannot be installed.
    package init(
        _ signals: [Int32], _ delivery: SignalEvents.Delivery = .handlers, on eventLoop: any EventLoop,
        _ receive: @escaping (Set<Int32>) -> Void
    ) throws(Errno) {
        let events = try SignalEvents(signals: signals, delivery)
        self.events = events
        self.reader = NIOLoopBoundBox(nil, eventLoop: eventLoop)
        let descriptor = try events.descriptor.duplicate()
        let reader = DescriptorReader(descriptor, on: eventLoop)
        self.reader.value = reader
        reader.start { event in
            guard case .bytes(let bytes) = event else { return }
            let arrived = bytes.withUnsafeReadableBytes(events.arrived)
            if !arrived.isEmpty { receive(arrived) }
        }
    }

    /// Stops listening.
    package func close() {
        self.reader.value?.close()
        self.reader.value = nil
    }
}
