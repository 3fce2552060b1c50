internal import Glibc
import LinuxSystem
package import SystemPackage

/// The files that tell programs in the sandbox that they are in one, and in which.
package struct SandboxMark: Sendable {
    private let directory: String

    package init(directory: String = "/run/e2b") {
        self.directory = directory
    }

    /// Writes `.E2B_SANDBOX`: `true` in a Firecracker machine, else `false`.
    ///
    /// - Throws: `Errno`; the daemon works without the file.
    package func write(isFirecracker: Bool) throws(Errno) {
        try self.write(isFirecracker ? "true" : "false", to: ".E2B_SANDBOX", mode: 0o444)
    }

    /// Writes what the sandbox and its template are called.
    ///
    /// - Throws: `Errno`; the daemon works without the files.
    func write(_ metadata: MachineMetadata) throws(Errno) {
        if !metadata.instanceID.isEmpty {
            try self.write(metadata.instanceID, to: ".E2B_SANDBOX_ID", mode: 0o666)
        }
        if !metadata.templateID.isEmpty {
            try self.write(metadata.templateID, to: ".E2B_TEMPLATE_ID", mode: 0o666)
        }
    }

    private func write(_ text: String, to name: String, mode: UInt32) throws(Errno) {
        if mkdir(self.directory, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        let file = try OwnedDescriptor.open(
            "\(self.directory)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(Array(text.utf8))
    }
}
