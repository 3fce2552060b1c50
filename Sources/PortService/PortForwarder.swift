import HTTPTransport
import LinuxIO
import LinuxSystem
import NIOCore
import NIOPosix
import SystemPackage

/// Offers the ports of the loopback interface to other machines, at an address that the host gives the sandbox.
///
/// While the address is not there nothing is done, and nothing looked at: the kernel tells when it appears. Bound to
/// an event loop.
final class PortForwarder: Sendable {
    private struct Forward {
        /// The server behind it has an IPv4 address.
        var isIPv4: Bool
        /// Nil while the address is being bound.
        var listener: (any Channel)?
    }

    private struct State {
        var listener: AddressListener?
        var observation: Int?
        var forwards: [UInt16: Forward] = [:]
        var connections = 0
    }

    private static let loopback4 = "127.0.0.1"
    private static let loopback6 = "::1"

    private let limits: PortLimits
    private let monitor: PortMonitor
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    init(_ limits: PortLimits, _ monitor: PortMonitor, on eventLoop: any EventLoop) {
        self.limits = limits
        self.monitor = monitor
        self.eventLoop = eventLoop
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Waits for the address. Called on the event loop.
    ///
    /// - Throws: `Errno` if the kernel would not tell of it.
    func start() throws(Errno) {
        self.state.value.listener = try AddressListener(on: self.eventLoop) { [weak self] in
            self?.addressesChanged()
        }
        self.addressesChanged()
    }

    /// Whether other machines reach a port that is open on the loopback interface.
    func forwards(_ port: UInt16) -> Bool {
        self.state.value.forwards[port]?.listener != nil
    }

    private func addressesChanged() {
        let isThere = InterfaceAddresses.contain(self.limits.externalAddress)
        if isThere, self.state.value.observation == nil {
            self.state.value.observation = self.monitor.observe(every: self.limits.forwardingPeriod) {
                [weak self] in self?.update($0)
            }
        } else if !isThere, let observation = self.state.value.observation {
            self.monitor.stop(observation)
            self.state.value.observation = nil
            for port in self.state.value.forwards.keys { self.end(port) }
        }
    }

    // MARK: Forwards

    /// Begins and ends forwards, so that they are those of `sockets`. What could not be bound is tried again.
    private func update(_ sockets: [ListeningSocket]) {
        var wanted: [UInt16: Bool] = [:]
        for socket in sockets {
            if socket.isLoopback4 {
                wanted[socket.port] = true
            } else if socket.address == Self.loopback6 {
                wanted[socket.port] = wanted[socket.port] ?? false
            }
        }
        for (port, forward) in self.state.value.forwards where wanted[port] != forward.isIPv4 {
            self.end(port)
        }
        for (port, isIPv4) in wanted.sorted(by: { $0.key < $1.key })
        where self.state.value.forwards[port] == nil {
            guard self.state.value.forwards.count < self.limits.forwards else { return }
            self.begin(port, isIPv4: isIPv4)
        }
    }

    private func begin(_ port: UInt16, isIPv4: Bool) {
        self.state.value.forwards[port] = Forward(isIPv4: isIPv4)
        ServerBootstrap(group: self.eventLoop)
            // Without descriptors to accept with, the loop would turn for as long as somebody waits.
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Nothing is read before the server is there.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [weak self] channel in
                self?.relay(channel, to: port, isIPv4: isIPv4)
                    ?? channel.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
            }
            .bind(host: self.limits.externalAddress, port: Int(port))
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let listener):
                    if self.state.value.forwards[port]?.isIPv4 == isIPv4,
                        self.state.value.forwards[port]?.listener == nil
                    {
                        self.state.value.forwards[port]?.listener = listener
                    } else {
                        listener.close(promise: nil)
                    }
                case .failure:
                    // Somebody listens at that very address.
                    self.state.value.forwards[port] = nil
                }
            }
    }

    /// Accepts no more connections; those that there are end by themselves.
    private func end(_ port: UInt16) {
        self.state.value.forwards.removeValue(forKey: port)?.listener?.close(promise: nil)
    }

    // MARK: Connections

    private func relay(
        _ client: any Channel, to port: UInt16, isIPv4: Bool
    ) -> EventLoopFuture<Void> {
        guard self.state.value.connections < self.limits.connections else {
            return client.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
        }
        self.state.value.connections += 1
        client.closeFuture.assumeIsolated().whenComplete { _ in self.state.value.connections -= 1 }
        let (near, far) = RelayHandler.pair()
        near.whenActive = { self.connect(client, far, to: port, isIPv4: isIPv4) }
        return client.eventLoop.makeCompletedFuture {
            try client.pipeline.syncOperations.addHandler(near)
        }
    }

    private func connect(_ client: any Channel, _ far: RelayHandler, to port: UInt16, isIPv4: Bool) {
        let far = NIOLoopBound(far, eventLoop: self.eventLoop)
        ClientBootstrap(group: self.eventLoop)
            .connectTimeout(self.limits.connectTime)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(far.value)
                }
            }
            .connect(host: isIPv4 ? Self.loopback4 : Self.loopback6, port: Int(port))
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success:
                    client.setOption(.autoRead, value: true).whenFailure { _ in client.close(promise: nil) }
                case .failure: client.close(promise: nil)
                }
            }
    }
}
