package import Connect
import EnvdAPI
package import HTTPTransport
package import LinuxIO
import LinuxSystem
package import NIOCore
import NIOHTTP1
import SandboxContext
package import SystemPackage

/// The ports that servers in the sandbox listen on: who they are, when they open and close, and that other machines
/// reach them.
package final class PortService: Sendable {
    let limits: PortLimits
    let monitor: PortMonitor
    private let forwarder: PortForwarder
    private let pool: BlockingPool
    let eventLoop: any EventLoop

    /// - Parameter pool: for looking at the ports, which may be many.
    package init(_ limits: PortLimits = PortLimits(), pool: BlockingPool, on eventLoop: any EventLoop) {
        self.limits = limits
        self.pool = pool
        self.eventLoop = eventLoop
        self.monitor = PortMonitor(pool: pool, on: eventLoop)
        self.forwarder = PortForwarder(limits, self.monitor, on: eventLoop)
    }

    /// Forwards ports for as long as the sandbox has its external address. Called on the event loop.
    ///
    /// - Throws: `Errno` if the kernel does not tell of addresses.
    package func startForwarding() throws(Errno) {
        try self.forwarder.start()
    }

    /// Adds `GET /ports`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.GET, "/ports", HTTPTaskHandler(on: self.eventLoop) { await self.list($0) })
    }

    /// Adds `envd.v1.Port`.
    package func register(in router: inout ConnectRouter) {
        router.register(PortAPI.waitPort, self.waitPort)
    }

    /// `GET /ports`: what is open, by whom, and what other machines reach.
    private func list(_ exchange: HTTPExchange) async {
        let sockets: [ListeningSocket]
        do throws(Errno) {
            sockets = try await self.monitor.look()
        } catch {
            exchange.respondError(
                .internalServerError, "cannot read the open ports: \(error.lowercasedDescription)")
            return
        }
        let inodes = Set(sockets.map(\.inode))
        let owners = await self.pool.run { SocketOwners.find(inodes) }
        let ports = sockets.map { socket in
            let isForwarded = socket.isForwardable && self.forwarder.forwards(socket.port)
            let owner = owners[socket.inode]
            return """
                {"address":\(JSONText.quoted(socket.address)),"forwarded":\(isForwarded),\
                "pid":\(owner?.processID ?? 0),"port":\(socket.port),\
                "process":\(JSONText.quoted(owner?.name ?? ""))}
                """
        }
        exchange.respondJSON("{\"ports\":[\(ports.joined(separator: ","))]}")
    }
}

extension ListeningSocket {
    /// Whether it is open on the loopback interface only, at the address that everybody means by that.
    var isForwardable: Bool { self.isLoopback4 || self.address == "::1" }

    /// Whether it is open at 127.0.0.1, also on a socket of both kinds, such as those of Java.
    var isLoopback4: Bool { self.address == "127.0.0.1" || self.address == "::ffff:127.0.0.1" }
}
