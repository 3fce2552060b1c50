import EnvdTestSupport
import Glibc
import LinuxSystem
import NIOCore
import SystemPackage
import Testing

/// A pipe between a test and what it tests.
struct TestPipe: ~Copyable {
    private var readEnd: OwnedDescriptor?
    private var writeEnd: OwnedDescriptor?

    init() throws {
        var ends: [CInt] = [-1, -1]
        signal(SIGPIPE, SIG_IGN)
        try #require(pipe(&ends) == 0)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
        self.readEnd = OwnedDescriptor(taking: ends[0])
        self.writeEnd = OwnedDescriptor(taking: ends[1])
    }

    /// Moves an end out, once.
    mutating func takeReadEnd() throws(Errno) -> OwnedDescriptor {
        guard let end = self.readEnd.take() else { throw .badFileDescriptor }
        return end
    }

    /// Moves an end out, once.
    mutating func takeWriteEnd() throws(Errno) -> OwnedDescriptor {
        guard let end = self.writeEnd.take() else { throw .badFileDescriptor }
        return end
    }
}

extension OwnedDescriptor {
    /// Writes as much as fits at once.
    func write(_ bytes: [UInt8]) throws -> Int {
        try bytes.withUnsafeBytes { try self.write($0) }
    }

    /// Reads what is there, at most `count` bytes.
    func read(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = try self.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Returns when the other end is closed.
    ///
    /// That may be a moment after its owner has closed it: a child that another test is starting has a copy until
    /// it runs its program.
    func waitForOtherEnd() throws {
        var entry = pollfd(fd: self.rawValue, events: 0, revents: 0)
        try #require(poll(&entry, 1, CInt(patience.nanoseconds / 1_000_000)) == 1)
    }

    /// Writes until nothing more fits; returns how much did.
    func fill() -> Int {
        var count = 0
        while let written = try? self.write([UInt8](repeating: 1, count: 4096)) { count += written }
        return count
    }
}
