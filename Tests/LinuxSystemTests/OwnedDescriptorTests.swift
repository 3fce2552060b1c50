import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Descriptors have one owner.
@Suite struct OwnedDescriptorTests {
    /// An owner of a high number, which nothing else in the process will get when it is free again.
    private static func nullDevice() throws -> OwnedDescriptor {
        let device = try OwnedDescriptor.open("/dev/null", flags: O_RDONLY)
        return OwnedDescriptor(taking: fcntl(device.rawValue, F_DUPFD_CLOEXEC, 500))
    }

    private static func isOpen(_ number: CInt) -> Bool {
        fcntl(number, F_GETFD) == FD_CLOEXEC
    }

    @Test func `the end of the owner closes the descriptor`() async {
        await #expect(processExitsWith: .success) {
            func useShortly() throws -> CInt {
                let descriptor = try Self.nullDevice()
                #expect(Self.isOpen(descriptor.rawValue))
                return descriptor.rawValue
            }
            let number = try useShortly()
            #expect(!Self.isOpen(number))
        }
    }

    @Test func `closing and releasing give up ownership`() async {
        await #expect(processExitsWith: .success) {
            let closed = try Self.nullDevice()
            let number = closed.rawValue
            try closed.close()
            #expect(!Self.isOpen(number))
            let released = try Self.nullDevice().release()
            #expect(Self.isOpen(released))
            #expect(throws: Errno.badFileDescriptor) { try OwnedDescriptor(taking: -1).close() }
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
