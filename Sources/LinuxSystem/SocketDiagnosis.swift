internal import Glibc
package import SystemPackage

/// Reads the kernel's answer to the question which TCP sockets there are.
///
/// Layout: messages, each padded to 4 bytes, that begin with a `struct nlmsghdr` (`nlmsg_len: u32`, `nlmsg_type: u16`,
/// `nlmsg_flags: u16`, `nlmsg_seq: u32`, `nlmsg_pid: u32`). Those of type 20 go on with a `struct inet_diag_msg`
/// (`idiag_family: u8`, at 4 the source port in network byte order, at 8 the source address, at 68 the inode: u32).
///
/// - SeeAlso: sock_diag(7), netlink(7).
package struct SocketDiagnosis {
    static let headerBytes = 16
    /// `SOCK_DIAG_BY_FAMILY`.
    static let byFamily: UInt16 = 20
    /// `NLMSG_ERROR` and `NLMSG_DONE`.
    private static let error: UInt16 = 2
    private static let done: UInt16 = 3
    private static let bodyBytes = 72

    package private(set) var sockets: [ListeningSocket] = []
    /// There are no more parts.
    package private(set) var isComplete = false

    package init() {}

    /// Takes the next part.
    ///
    /// - Throws: `Errno`: what the kernel answers instead, or `invalidArgument` if it makes no sense.
    package mutating func read(_ part: ArraySlice<UInt8>) throws(Errno) {
        let error = part.withUnsafeBytes { bytes -> Errno? in
            do throws(Errno) {
                try self.read(bytes)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error }
    }

    private mutating func read(_ part: UnsafeRawBufferPointer) throws(Errno) {
        var rest = part
        while !rest.isEmpty {
            guard rest.count >= Self.headerBytes else { throw .invalidArgument }
            let length = Int(rest.loadUnaligned(as: UInt32.self))
            guard length >= Self.headerBytes, length <= rest.count else { throw .invalidArgument }
            let body = UnsafeRawBufferPointer(rebasing: rest[Self.headerBytes..<length])
            switch rest.loadUnaligned(fromByteOffset: 4, as: UInt16.self) {
            case Self.done:
                self.isComplete = true
                return
            case Self.error:
                guard body.count >= 4 else { throw .invalidArgument }
                let code = body.loadUnaligned(as: Int32.self)
                throw code < 0 && code > .min ? Errno(rawValue: -code) : .invalidArgument
            case Self.byFamily:
                guard body.count >= Self.bodyBytes else { throw .invalidArgument }
                if let socket = Self.socket(body) { self.sockets.append(socket) }
            default: break
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[min((length + 3) & ~3, rest.count)...])
        }
    }

    private static func socket(_ body: UnsafeRawBufferPointer) -> ListeningSocket? {
        let family = CInt(body[0])
        guard family == AF_INET || family == AF_INET6 else { return nil }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(
                family, UnsafeRawBufferPointer(rebasing: body[8..<24]).baseAddress, buffer.baseAddress,
                socklen_t(buffer.count)
            ).map { String(cString: $0) }
        }
        guard let text else { return nil }
        return ListeningSocket(
            port: UInt16(bigEndian: body.loadUnaligned(fromByteOffset: 4, as: UInt16.self)),
            isIPv6: family == AF_INET6, address: text,
            inode: body.loadUnaligned(fromByteOffset: 68, as: UInt32.self))
    }
}
