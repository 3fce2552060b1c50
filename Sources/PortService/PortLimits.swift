package import NIOCore

/// Bounds on what ports cost.
package struct PortLimits: Sendable {
    /// The address at which ports of the loopback interface are offered to other machines.
    package var externalAddress = "169.254.0.21"
    /// Time between two looks at the ports for forwarding.
    package var forwardingPeriod = TimeAmount.seconds(1)
    /// Time between two looks at the ports for clients that wait.
    package var waitingPeriod = TimeAmount.milliseconds(100)
    /// Ports that are forwarded at most.
    package var forwards = 1024
    /// Connections through forwarded ports at most.
    package var connections = 4096
    /// Time for a connection to the server behind a forwarded port.
    package var connectTime = TimeAmount.seconds(5)
    /// Events that a client which waits may have in store; with more, its call ends.
    package var pendingEvents = 65_536

    package init() {}
}
