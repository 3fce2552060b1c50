import NIOCore

/// What all connections of a server share. Bound to the server's event loop.
final class ServerShared {
    let handler: any HTTPHandler
    let limits: HTTPLimits
    var date = HTTPDate()
    /// The open connections.
    private(set) var connections: [ObjectIdentifier: (channel: any Channel, opened: NIODeadline)] = [:]
    private(set) var isDraining = false
    private var idleObserver: (() -> Void)?

    init(handler: any HTTPHandler, limits: HTTPLimits) {
        self.handler = handler
        self.limits = limits
    }

    /// Counts a connection until it closes; false if there are too many.
    func admit(_ channel: any Channel) -> Bool {
        guard self.connections.count < self.limits.connections, !self.isDraining else { return false }
        let id = ObjectIdentifier(channel)
        self.connections[id] = (channel, .now())
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.connections[id] = nil
            if self.connections.isEmpty {
                self.idleObserver?()
                self.idleObserver = nil
            }
        }
        return true
    }

    /// Asks every connection to finish, and calls `observer` when the last has closed.
    func drain(_ observer: @escaping () -> Void) {
        self.isDraining = true
        for (channel, _) in self.connections.values {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
        if self.connections.isEmpty { observer() } else { self.idleObserver = observer }
    }

    /// Closes at once every connection that was opened before.
    func closeAll(openedBefore time: NIODeadline = .distantFuture) {
        for (channel, opened) in self.connections.values where opened < time { channel.close(promise: nil) }
    }
}
