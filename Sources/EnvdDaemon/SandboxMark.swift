internal import Glibc
import LinuxSystem
import SystemPackage

/// The files that tell programs in the sandbox that they are in one.
enum SandboxMark {
    private static let directory = "/run/e2b"

    /// Writes `/run/e2b/.E2B_SANDBOX`: `true` in a Firecracker machine, else `false`.
    ///
    /// - Throws: `Errno`; the daemon works without the file.
    static func write(isFirecracker: Bool) throws(Errno) {
        if mkdir(Self.directory, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        let path = Self.directory + "/.E2B_SANDBOX"
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o444)
        let text: StaticString = isFirecracker ? "true" : "false"
        _ = try file.write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
