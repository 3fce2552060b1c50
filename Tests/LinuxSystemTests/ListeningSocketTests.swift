import Glibc
import LinuxSystem
import SystemPackage
import Testing

@Suite struct ListeningSocketTests {
    /// Binds a socket to a free port of an address, and listens.
    private static func listen(_ socket: borrowing OwnedDescriptor, on address: String) throws -> UInt16 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, address, &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name -> CInt in
                guard bind(socket.rawValue, name, length) == 0, Glibc.listen(socket.rawValue, 1) == 0 else {
                    return errno
                }
                return getsockname(socket.rawValue, name, &length) == 0 ? 0 : errno
            }
        }
        guard result == 0 else { throw Errno(rawValue: result) }
        return UInt16(bigEndian: name.sin_port)
    }

    @Test func `a socket is there while it listens, with its owner`() throws {
        let socket = OwnedDescriptor(
            taking: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        let port = try Self.listen(socket, on: "127.0.0.2")
        let found = try ListeningSocket.all().filter { $0.port == port && $0.address == "127.0.0.2" }
        #expect(found.count == 1)
        let inode = try #require(found.first?.inode)
        #expect(found.first?.isIPv6 == false)
        #expect(SocketOwners.own(among: [inode, 1]) == [inode])
        let owner = SocketOwners.find([inode])[inode]
        #expect(owner?.processID == getpid())
        #expect(owner?.name.isEmpty == false)
        // Not by closing it: a child that another test is just starting has a copy of the descriptor.
        #expect(shutdown(socket.rawValue, CInt(SHUT_RDWR)) == 0)
        #expect(try !ListeningSocket.all().contains { $0.port == port && $0.address == "127.0.0.2" })
    }

    /// One message of the kernel.
    private static func message(_ type: UInt16, _ body: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(16 + body.count), as: UInt32.self)
            $0.storeBytes(of: type, toByteOffset: 4, as: UInt16.self)
        }
        return bytes + body
    }

    private static var socket6: [UInt8] {
        var body = [UInt8](repeating: 0, count: 72)
        body[0] = UInt8(AF_INET6)
        (body[4], body[5]) = (0x1f, 0x90)
        body[23] = 1
        body[68] = 7
        return body
    }

    @Test func `the kernel's answer comes in parts`() throws {
        var reading = SocketDiagnosis()
        try reading.read(Self.message(20, Self.socket6)[...])
        #expect(!reading.isComplete)
        try reading.read((Self.message(1, []) + Self.message(3, [0, 0, 0, 0]))[...])
        #expect(reading.isComplete)
        #expect(
            reading.sockets == [ListeningSocket(port: 8080, isIPv6: true, address: "::1", inode: 7)])
    }

    @Test func `an answer that makes no sense is an error, wherever it is cut`() throws {
        let whole = Self.message(20, Self.socket6)
        for count in 1..<whole.count {
            var reading = SocketDiagnosis()
            #expect(throws: Errno.invalidArgument) { try reading.read(whole[..<count]) }
        }
        var reading = SocketDiagnosis()
        #expect(throws: Errno.invalidArgument) { try reading.read(Self.message(20, [2])[...]) }
        #expect(throws: Errno.invalidArgument) { try reading.read(Self.message(2, [])[...]) }
        #expect(throws: Errno.invalidArgument) { try reading.read(Self.message(2, [0, 0, 0, 0])[...]) }
        #expect(throws: Errno.notPermitted) {
            try reading.read(Self.message(2, [0xff, 0xff, 0xff, 0xff])[...])
        }
    }

    @Test func `the machine has its loopback address and no other`() {
        #expect(InterfaceAddresses.contain("127.0.0.1"))
        #expect(!InterfaceAddresses.contain("192.0.2.77"))
        #expect(!InterfaceAddresses.contain("no address"))
    }
}
