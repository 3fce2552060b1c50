import LinuxSystem
package import NIOCore
package import SystemPackage

/// Calls when an IPv4 address is added to a network interface or removed. Nothing happens in between.
package final class AddressListener: Sendable {
    private let eventLoop: any EventLoop
    /// Time until a socket that gave nothing is opened anew.
    private static let pause = TimeAmount.seconds(1)

    private let reader: NIOLoopBoundBox<DescriptorReader?>
    private let retry: NIOLoopBoundBox<Scheduled<Void>?>
    private let changed: NIOLoopBound<() -> Void>

    /// Listens from now on. Called on the event loop.
    ///
    /// - Throws: `Errno` if the kernel does not tell.
    package init(on eventLoop: any EventLoop, _ changed: @escaping () -> Void) throws(Errno) {
        self.eventLoop = eventLoop
        self.reader = NIOLoopBoundBox(nil, eventLoop: eventLoop)
        self.retry = NIOLoopBoundBox(nil, eventLoop: eventLoop)
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
                self.openAgain(after: hasRead ? .zero : Self.pause)
            }
            self.changed.value()
        }
    }

    /// What changes until then is told when it has been opened.
    private func openAgain(after pause: TimeAmount) {
        self.retry.value = self.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            do throws(Errno) {
                try self.open()
                self.changed.value()
            } catch {
                self.openAgain(after: Self.pause)
            }
        }
    }

    /// Stops listening.
    package func close() {
        self.retry.value?.cancel()
        self.reader.value?.close()
        self.reader.value = nil
    }
}
