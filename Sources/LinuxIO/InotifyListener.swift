package import LinuxSystem
package import NIOCore
package import SystemPackage

/// Turns the changes of watched directories into calls on the event loop.
///
/// Nothing happens while nothing changes. All calls are made on the loop, but ``inotify`` may be used anywhere.
package final class InotifyListener: Sendable {
    package let inotify: Inotify
    private let reader: NIOLoopBoundBox<DescriptorReader?>
    private let receive: NIOLoopBound<([WatchEvent], Int) -> Void>

    /// Calls `receive` with the events of each read, and how many bytes of the queue they were.
    ///
    /// - Throws: `Errno`: `tooManyOpenFiles` at the limit of instances or descriptors.
    package init(
        on eventLoop: any EventLoop, _ receive: @escaping ([WatchEvent], Int) -> Void
    ) throws(Errno) {
        let inotify = try Inotify()
        self.inotify = inotify
        self.receive = NIOLoopBound(receive, eventLoop: eventLoop)
        self.reader = NIOLoopBoundBox(nil, eventLoop: eventLoop)
        let reader = DescriptorReader(
            try inotify.descriptor.duplicate(), on: eventLoop, pace: .messages)
        self.reader.value = reader
        reader.start { event in
            guard case .bytes(let bytes) = event else { return }
            // The kernel never splits an event.
            let events = bytes.withUnsafeReadableBytes { try? WatchEvent.decode($0.bytes) }
            receive(events ?? [], bytes.readableBytes)
        }
    }

    /// Reads now, without the event loop, what is in the queue at this moment.
    package func drain() {
        var left = self.inotify.readyBytes
        while left > 0, let (events, bytes) = try? self.inotify.read(), bytes > 0 {
            left -= bytes
            self.receive.value(events, bytes)
        }
    }

    /// How much is in the queue now, in bytes.
    package var readyBytes: Int { self.inotify.readyBytes }

    /// Stops listening.
    package func close() {
        self.reader.value?.close()
        self.reader.value = nil
    }
}
