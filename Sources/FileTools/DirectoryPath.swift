import LinuxSystem
import SandboxContext
import SystemPackage

/// A directory and those above it.
enum DirectoryPath {
    /// Permissions of new directories, before the umask.
    private static let mode: UInt32 = 0o755

    /// Makes those of an absolute path that are not there.
    static func make(_ names: [ArraySlice<UInt8>], _ resolver: FileResolver) throws(Errno) {
        // Mostly all of them are there.
        if try Self.isThere(try Self.path(names[...]), resolver) { return }
        for count in names.indices.map({ $0 + 1 }) {
            let path = try Self.path(names[..<count])
            if try Self.isThere(path, resolver) { continue }
            let location = try resolver.location(of: path)
            do throws(Errno) {
                try location.directory.makeDirectory(location.name, mode: Self.mode)
            } catch {
                // Somebody else may have made it just now.
                guard error == .fileExists else { throw error }
            }
        }
    }

    private static func path(_ names: ArraySlice<ArraySlice<UInt8>>) throws(Errno) -> RawPath {
        names.isEmpty ? .root : try RawPath(names.flatMap { [UInt8(ascii: "/")] + $0 })
    }

    private static func isThere(_ path: RawPath, _ resolver: FileResolver) throws(Errno) -> Bool {
        do throws(Errno) {
            _ = try resolver.open(path, .pathOnly)
            return true
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            return false
        }
    }
}
