internal import Glibc

/// What the kernel holds between the ends of a pipe, addressed by a borrowed descriptor.
package enum PipeBuffer {
    /// `F_SETPIPE_SZ`, which Glibc's module does not export: `F_LINUX_SPECIFIC_BASE` + 7.
    private static let setPipeSize: CInt = 1024 + 7

    /// Asks for a buffer of `bytes`; it stays as it is for descriptors other than pipes and when the user's
    /// share of pipe memory is used up.
    ///
    /// - SeeAlso: fcntl(2), `F_SETPIPE_SZ`; pipe(7), `/proc/sys/fs/pipe-user-pages-soft`.
    package static func resize(_ descriptor: CInt, to bytes: CInt) {
        _ = fcntl(descriptor, Self.setPipeSize, bytes)
    }

    /// Bytes that can be read now; 0 if the kernel does not say.
    ///
    /// - SeeAlso: pipe(7), `FIONREAD`.
    package static func readyBytes(_ descriptor: CInt) -> Int {
        var count: CInt = 0
        guard ioctl(descriptor, UInt(FIONREAD), &count) == 0 else { return 0 }
        return Int(count)
    }
}
