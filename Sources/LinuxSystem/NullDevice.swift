import Glibc
import Synchronization
import SystemPackage

/// `/dev/null` for reading, opened once: every child that reads nothing gets a duplicate.
enum NullDevice {
    /// Open for as long as the process lives; -1 before.
    private static let descriptor = Mutex<CInt>(-1)

    /// Opens it, unless it is open.
    static func open() throws(Errno) {
        try self.descriptor.withLock { descriptor throws(Errno) in
            if descriptor < 0 {
                descriptor = try OwnedDescriptor.open("/dev/null", flags: O_RDONLY).release()
            }
        }
    }

    /// -1 before ``open()``.
    static var rawDescriptor: CInt { self.descriptor.withLock { $0 } }
}
