import LinuxSystem
package import NIOCore
package import SystemPackage

/// Calls when an IPv4 address is added to a network interface or removed. Nothing happens in between.
package final class AddressListener: Sendable {
    private let eventLoop: any EventLoop
    private let reader: NIOLoopBoundBox<DescriptorReader?>
    private let changed: NIOLoopBound<() -> Void>

    /// Listens from now on. Called on the event loop.
    ///
    /// - Throws: `Errno` if the kernel does not tell.
    package init(on eventLoop: any EventLoop, _ changed: @escaping () -> Void) throws(Errno) {
        self.eventLoop = eventLoop
        self.reader = NIOLoopBoundBox(nil, eventLoop: eventLoop)
        self.changed = NIOLoopBound(changed, eventLoop: eventLoop)
        try self.open()
    }

    private func open() throws(Errno) {
        let socket = try NetlinkSocket.addressChanges()
        try socket.setNonBlocking(true)
        let reader = DescriptorReader(socket, on: self.eventLoop, pace: .messages)
        self.reader.value = reader
        var hasRead = false
        reader.start { event in
            switch event {
            case .bytes: hasRead = true
            case .end:
                // There were more changes than the socket has room for (ENOBUFS); what they are does not matter.
                self.reader.value = nil
                if hasRead { try? self.open() }
            }
            self.changed.value()
        }
    }

    /// Stops listening.
    package func close() {
        self.reader.value?.close()
        self.reader.value = nil
    }
}
