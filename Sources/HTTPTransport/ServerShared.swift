internal import Glibc
import NIOCore

/// What all connections of a server share. Bound to the server's event loop.
final class ServerShared {
    let handler: any HTTPHandler
    let limits: HTTPLimits
    var date = HTTPDate()
    private struct Connection {
        let channel: any Channel
        let opened: NIODeadline
        /// Since when nothing is asked on it; nil while something is.
        var idleSince: () -> NIODeadline?
        /// When the last bytes came.
        var lastReceived: () -> NIODeadline
    }

    /// Time between looks for connections that can make room for others, for each that there is: a hundred times what
    /// the look takes.
    private static let searchPeriod = TimeAmount.microseconds(10)

    private var connections: [ObjectIdentifier: Connection] = [:]
    /// Those that were idle when they were last looked for, the longest idle last.
    private var idle: [(id: ObjectIdentifier, since: NIODeadline)] = []
    private var lastSearch: NIODeadline?
    private(set) var isDraining = false
    private var idleObserver: (() -> Void)?

    init(handler: any HTTPHandler, limits: HTTPLimits) {
        self.handler = handler
        self.limits = limits
    }

    /// Counts a connection until it closes; false if there are too many on which something is asked.
    ///
    /// Where there are too many, the one that has been idle for longest makes room: whoever only holds connections
    /// shuts nobody out.
    func admit(_ channel: any Channel) -> Bool {
        guard !self.isDraining else { return false }
        guard self.connections.count < self.limits.connections || self.closeLongestIdle() else {
            return false
        }
        let id = ObjectIdentifier(channel)
        let opened = NIODeadline.now()
        self.connections[id] = Connection(
            channel: channel, opened: opened, idleSince: { opened }, lastReceived: { opened })
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            // It may have made room already, and another one may have its identifier.
            if self.connections[id]?.channel === channel { self.connections[id] = nil }
            if self.connections.isEmpty {
                self.idleObserver?()
                self.idleObserver = nil
            }
        }
        return true
    }

    /// Has `idleSince` tell since when nothing is asked on a connection, and `lastReceived` when the last bytes came;
    /// before, both was when it was opened.
    func watch(
        _ channel: any Channel, idleSince: @escaping () -> NIODeadline?,
        lastReceived: @escaping () -> NIODeadline
    ) {
        let id = ObjectIdentifier(channel)
        self.connections[id]?.idleSince = idleSince
        self.connections[id]?.lastReceived = lastReceived
    }

    /// Closes the connection that has been idle for longest; false if none is.
    private func closeLongestIdle() -> Bool {
        if self.closeFirstStillIdle() { return true }
        let period = Self.searchPeriod * self.connections.count
        guard self.lastSearch.map({ .now() - $0 >= period }) ?? true else { return false }
        self.lastSearch = .now()
        self.idle = self.connections.compactMap { id, connection in
            connection.idleSince().map { (id, $0) }
        }.sorted { $0.since > $1.since }
        return self.closeFirstStillIdle()
    }

    /// The same among those that have been found.
    private func closeFirstStillIdle() -> Bool {
        while let (id, since) = self.idle.popLast() {
            guard let connection = self.connections[id], connection.idleSince() == since else { continue }
            // It makes room now, and not when it has closed.
            self.connections[id] = nil
            connection.channel.close(promise: nil)
            return true
        }
        return false
    }

    /// Asks every connection to finish, and calls `observer` when the last has closed.
    func drain(_ observer: @escaping () -> Void) {
        self.isDraining = true
        for connection in self.connections.values {
            connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
        if self.connections.isEmpty { observer() } else { self.idleObserver = observer }
    }

    /// Closes every connection at once.
    func closeAll() {
        for connection in self.connections.values { connection.channel.close(promise: nil) }
    }

    /// Closes every connection on which nothing has come since.
    func closeSilent(since time: NIODeadline, sparingAcknowledged: Bool) {
        let silence = NIODeadline.now() - time
        for connection in self.connections.values where connection.lastReceived() < time {
            let channel = connection.channel
            guard sparingAcknowledged, let socket = channel as? any SocketOptionProvider else {
                channel.close(promise: nil)
                continue
            }
            // tcp(7), TCP_INFO.
            socket.getTCPInfo().assumeIsolated().whenComplete { result in
                let age = try? result.get().tcpi_last_ack_recv
                if age.map({ .milliseconds(Int64($0)) > silence }) ?? true { channel.close(promise: nil) }
            }
        }
    }
}
