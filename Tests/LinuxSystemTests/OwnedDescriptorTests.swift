import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Descriptors have one owner.
@Suite struct OwnedDescriptorTests {
    /// An owner of a number that nothing else in the process will get.
    private static func nullDevice(numbered number: CInt) throws -> OwnedDescriptor {
        let device = try OwnedDescriptor.open("/dev/null", flags: O_RDONLY)
        return OwnedDescriptor(taking: fcntl(device.rawValue, F_DUPFD_CLOEXEC, number))
    }

    private static func isOpen(_ number: CInt) -> Bool {
        fcntl(number, F_GETFD) == FD_CLOEXEC
    }

    @Test func `the end of the owner closes the descriptor`() async {
        await #expect(processExitsWith: .success) {
            func useShortly() throws {
                let descriptor = try Self.nullDevice(numbered: 500)
                #expect(Self.isOpen(descriptor.rawValue))
            }
            try useShortly()
            #expect(!Self.isOpen(500))
        }
    }

    @Test func `closing and releasing give up ownership`() async {
        await #expect(processExitsWith: .success) {
            try Self.nullDevice(numbered: 500).close()
            #expect(!Self.isOpen(500))
            #expect(try Self.nullDevice(numbered: 501).release() == 501)
            #expect(Self.isOpen(501))
            #expect(throws: Errno.badFileDescriptor) { try OwnedDescriptor(taking: 9_999).close() }
        }
    }

    @Test func `an opened file is close-on-exec`() throws {
        let descriptor = try OwnedDescriptor.open("/dev/null", flags: O_RDONLY)
        #expect(Self.isOpen(descriptor.rawValue))
    }

    @Test func `a duplicate is close-on-exec and above the standard descriptors`() async {
        await #expect(processExitsWith: .success) {
            let descriptor = try OwnedDescriptor.open("/dev/null", flags: O_RDONLY)
            close(0)
            let duplicate = try descriptor.duplicate()
            #expect(duplicate.rawValue >= 3)
            #expect(fcntl(duplicate.rawValue, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func `what is written is read back`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/file"
        let writer = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try send("hello", to: writer)
        try writer.close()
        let reader = try OwnedDescriptor.open(path, flags: O_RDONLY)
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } == 5)
        #expect(buffer.prefix(5) == Array("hello".utf8)[...])
        #expect(try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } == 0)
        #expect(throws: Errno.badFileDescriptor) { try send("x", to: reader) }
    }

    @Test func `non-blocking can be set and cleared`() throws {
        let terminal = try OwnedDescriptor.open("/dev/ptmx", flags: O_RDWR | O_NOCTTY)
        try terminal.setNonBlocking(true)
        var byte: UInt8 = 0
        #expect(throws: Errno.wouldBlock) {
            try withUnsafeMutableBytes(of: &byte) { try terminal.read(into: $0) }
        }
        try terminal.setNonBlocking(false)
        #expect(fcntl(terminal.rawValue, F_GETFL) & O_NONBLOCK == 0)
    }

    @Test func `a file that does not exist cannot be opened`() {
        #expect(throws: Errno.noSuchFileOrDirectory) {
            _ = try OwnedDescriptor.open("/nonexistent", flags: O_RDONLY)
        }
    }
}
