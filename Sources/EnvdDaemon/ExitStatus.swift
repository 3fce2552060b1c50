import NIOCore
import Synchronization

/// The exit status of the daemon, set once by whatever ends it.
final class ExitStatus: Sendable {
    private let value = Mutex<Int32?>(nil)

    /// The status; 0 if nothing set it.
    var status: Int32 { self.value.withLock { $0 ?? 0 } }

    /// Sets the status and ends the event loop. Only the first call counts.
    func end(_ status: Int32, _ eventLoop: any EventLoop) {
        let isFirst = self.value.withLock { value in
            guard value == nil else { return false }
            value = status
            return true
        }
        if isFirst { eventLoop.shutdownGracefully { _ in } }
    }
}
