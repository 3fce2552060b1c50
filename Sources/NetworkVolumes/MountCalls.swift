import LinuxSystem
package import SystemPackage

/// The calls that mount volumes.
package struct MountCalls: Sendable {
    package var exists: @Sendable (_ path: String) -> Bool
    /// Removes a mount, lazily or by force.
    package var remove: @Sendable (_ path: String, _ isLazy: Bool) -> Errno?
    /// Makes a directory and those above it.
    package var makeDirectory: @Sendable (_ path: String) -> Errno?
    package var mount: @Sendable (_ target: String, _ path: String, _ data: String) -> Errno?

    package init(
        exists: @escaping @Sendable (String) -> Bool, remove: @escaping @Sendable (String, Bool) -> Errno?,
        makeDirectory: @escaping @Sendable (String) -> Errno?,
        mount: @escaping @Sendable (String, String, String) -> Errno?
    ) {
        self.exists = exists
        self.remove = remove
        self.makeDirectory = makeDirectory
        self.mount = mount
    }

    /// The kernel's.
    package static let system = MountCalls(
        exists: { (try? Mount.exists(at: $0)) ?? false },
        remove: { path, isLazy in Self.error { () throws(Errno) in try Mount.remove(path, isLazy: isLazy) } },
        makeDirectory: { path in Self.error { () throws(Errno) in try Mount.makeDirectory(path) } },
        mount: { target, path, data in
            Self.error { () throws(Errno) in
                try Mount.synchronous(target, at: path, type: "nfs", data: data)
            }
        })

    private static func error(_ body: () throws(Errno) -> Void) -> Errno? {
        do throws(Errno) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
