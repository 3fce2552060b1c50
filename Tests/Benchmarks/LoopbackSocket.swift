import Glibc

/// A TCP socket on 127.0.0.1, closed with the value.
final class LoopbackSocket {
    let descriptor: CInt

    private init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket", errno: errno) }
        self.descriptor = descriptor
    }

    /// A listener on a free port.
    static func listening() throws -> LoopbackSocket {
        let socket = try LoopbackSocket()
        try socket.withAddress(port: 0) { bind(socket.descriptor, $0, $1) }
        guard listen(socket.descriptor, 1) == 0 else { throw Failure("listen", errno: errno) }
        return socket
    }

    /// A connection that sends at once what it is given.
    static func connected(to port: UInt16) throws -> LoopbackSocket {
        let socket = try LoopbackSocket()
        try socket.withAddress(port: port) { connect(socket.descriptor, $0, $1) }
        var on: CInt = 1
        setsockopt(
            socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        return socket
    }

    deinit { close(self.descriptor) }

    /// The port that the socket is bound to.
    func port() throws -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(self.descriptor, $0, &length)
            }
        }
        guard result == 0 else { throw Failure("getsockname", errno: errno) }
        return UInt16(bigEndian: address.sin_port)
    }

    private func withAddress(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure("127.0.0.1:\(port)", errno: errno) }
    }
}
