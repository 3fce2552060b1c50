internal import Glibc
package import SystemPackage

/// A TCP socket that accepts connections.
package struct ListeningSocket: Sendable, Hashable {
    package var port: UInt16
    package var isIPv6: Bool
    /// The address that it is bound to, as text.
    package var address: String
    /// Its number in `/proc/PID/fd`.
    package var inode: UInt32

    package init(port: UInt16, isIPv6: Bool, address: String, inode: UInt32) {
        self.port = port
        self.isIPv6 = isIPv6
        self.address = address
        self.inode = inode
    }

    /// Sockets of one family that are listed at most.
    private static let limit = 65_536
    /// Bytes of one part of the kernel's answer.
    private static let answerBytes = 64 << 10

    /// All of this network namespace, in no order.
    ///
    /// - Throws: `Errno` if the kernel does not tell.
    /// - SeeAlso: sock_diag(7).
    package static func all() throws(Errno) -> [ListeningSocket] {
        let socket = try NetlinkSocket.sockets()
        var found: [ListeningSocket] = []
        for family in [AF_INET, AF_INET6] {
            let request = Self.request(family: UInt8(family))
            let sent = request.withUnsafeBytes { send(socket.rawValue, $0.baseAddress, $0.count, 0) }
            guard sent == request.count else { throw Errno.current }
            var answer = [UInt8](repeating: 0, count: Self.answerBytes)
            var reading = SocketDiagnosis()
            while !reading.isComplete, found.count + reading.sockets.count < Self.limit {
                let count = try retryingInterrupts {
                    answer.withUnsafeMutableBytes { recv(socket.rawValue, $0.baseAddress, $0.count, 0) }
                }
                try reading.read(answer[..<count])
            }
            found += reading.sockets
        }
        return found
    }

    /// A dump request for listening TCP sockets: a `struct nlmsghdr` and a `struct inet_diag_req_v2`.
    private static func request(family: UInt8) -> [UInt8] {
        let listening: UInt32 = 1 << 10  // TCP_LISTEN
        let dump: UInt16 = 0x301  // NLM_F_REQUEST | NLM_F_DUMP
        var bytes = [UInt8](repeating: 0, count: SocketDiagnosis.headerBytes + 56)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: UInt32(buffer.count), toByteOffset: 0, as: UInt32.self)
            buffer.storeBytes(of: SocketDiagnosis.byFamily, toByteOffset: 4, as: UInt16.self)
            buffer.storeBytes(of: dump, toByteOffset: 6, as: UInt16.self)
            buffer[16] = family
            buffer[17] = UInt8(IPPROTO_TCP)
            buffer.storeBytes(of: listening, toByteOffset: 20, as: UInt32.self)
        }
        return bytes
    }
}
