import Glibc
package import SystemPackage

/// An open file descriptor with exactly one owner; the owner's end closes it.
///
/// Every descriptor made here is close-on-exec from birth.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it; it is good only while the owner lives.
    package let rawValue: CInt

    /// Takes over `rawValue`, which nobody else may close from now on.
    package init(taking rawValue: CInt) {
        self.rawValue = rawValue
    }

    deinit {
        _ = Glibc.close(self.rawValue)
    }

    /// Opens a file, close-on-exec.
    ///
    /// - Parameters:
    ///   - flags: `O_*`; `O_CLOEXEC` is added.
    ///   - mode: Permission bits of a file that is created, before the umask.
    /// - SeeAlso: open(2).
    package static func open(_ path: String, flags: CInt, mode: UInt32 = 0) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(taking: try retryingInterrupts { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// Opens a file whose name may be any bytes, close-on-exec.
    package static func open(_ path: FilePath, flags: CInt, mode: UInt32 = 0) throws(Errno) -> OwnedDescriptor
    {
        OwnedDescriptor(
            taking: try retryingInterrupts {
                path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, mode) }
            })
    }

    /// Flags of a descriptor that only stands for a file: it can be executed and looked at, not read.
    ///
    /// `O_PATH`, which Glibc's module does not export.
    package static let pathOnly: CInt = 0o10000000

    /// Closes now, for callers who must know that written data arrived. The descriptor is gone even on
    /// failure.
    ///
    /// - SeeAlso: close(2).
    package consuming func close() throws(Errno) {
        let rawValue = self.rawValue
        discard self
        guard Glibc.close(rawValue) == 0 else { throw Errno.current }
    }

    /// Gives up ownership without closing.
    package consuming func release() -> CInt {
        let rawValue = self.rawValue
        discard self
        return rawValue
    }

    /// Another descriptor, at least 3, of the same open file description.
    ///
    /// - SeeAlso: fcntl(2), `F_DUPFD_CLOEXEC`.
    package func duplicate() throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(taking: try retryingInterrupts { fcntl(self.rawValue, F_DUPFD_CLOEXEC, 3) })
    }

    /// Whether reads and writes fail with `Errno.wouldBlock` instead of waiting.
    ///
    /// It is a property of the open file description, so it holds for duplicates as well.
    package func setNonBlocking(_ isNonBlocking: Bool) throws(Errno) {
        // One call, where fcntl(2) would need two.
        var value: CInt = isNonBlocking ? 1 : 0
        _ = try retryingInterrupts { ioctl(self.rawValue, UInt(FIONBIO), &value) }
    }

    /// Reads at most `buffer.count` bytes. 0 is the end of the file.
    ///
    /// - SeeAlso: read(2).
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retryingInterrupts { Glibc.read(self.rawValue, buffer.baseAddress, buffer.count) }
    }

    /// Writes `bytes`, or as many of them as fit, and returns how many that were.
    ///
    /// - SeeAlso: write(2).
    package func write(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try retryingInterrupts { Glibc.write(self.rawValue, bytes.baseAddress, bytes.count) }
    }
}
