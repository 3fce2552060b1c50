import LinuxSystem
import SandboxContext
import SystemPackage

/// The directory that a clone goes to: a new one, or one that was there and is empty.
///
/// Its calls are made as the user of the clone; see ``GitRunner/claim(_:as:)``.
final class CloneDestination: Sendable {
    /// Before the umask, as git has it.
    private static let mode: UInt32 = 0o777
    private static let bytesAtOnce = 4 << 10

    let path: String
    /// What to know it by when the path means another one.
    let identity: FileStatus.Identity
    /// Whether it was made for the clone.
    let isNew: Bool
    /// Held open: no other directory gets its identity.
    private let directory: OwnedDescriptor
    /// All that was made for the clone, from the top down.
    private let made: [String]

    private init(
        _ path: String, _ directory: consuming OwnedDescriptor, made: [String]
    ) throws(Errno) {
        self.path = path
        self.identity = try directory.status().identity
        self.isNew = made.last == path
        self.directory = directory
        self.made = made
    }

    /// Makes the directory and those above it, or takes it if it is there and empty.
    ///
    /// - Returns: nil if that cannot be, of which git will tell the reason.
    static func claim(_ path: String, _ resolver: FileResolver) -> CloneDestination? {
        if let found = try? Self.existing(path, resolver) { return found }
        var missing: [String] = []
        var next = path
        while !next.isEmpty, Self.isMissing(next, resolver) {
            missing.append(next)
            next = String(SandboxPath.parent(of: next))
        }
        var made: [String] = []
        do throws(Errno) {
            // Somebody has made it since it was looked for, and may not have begun with it.
            if missing.isEmpty { return try Self.existing(path, resolver) }
            for directory in missing.reversed() {
                let place = try resolver.location(of: try RawPath(directory))
                do throws(Errno) {
                    try place.directory.makeDirectory(place.name, mode: Self.mode)
                } catch {
                    // Somebody was faster. The last one must then be empty.
                    guard error == .fileExists else { throw error }
                    if directory == path { return try Self.existing(path, resolver) }
                    continue
                }
                made.append(directory)
                guard directory == path else { continue }
                let own = try place.directory.open(place.name, [.pathOnly, .directory, .noFollow])
                return try CloneDestination(path, own, made: made)
            }
        } catch {
            Self.remove(made, resolver)
        }
        return nil
    }

    private static func isMissing(_ path: String, _ resolver: FileResolver) -> Bool {
        do {
            _ = try resolver.open(try RawPath(path), .pathOnly)
            return false
        } catch {
            return error == .noSuchFileOrDirectory
        }
    }

    private static func existing(
        _ path: String, _ resolver: FileResolver
    ) throws(Errno) -> CloneDestination? {
        let directory = try resolver.open(try RawPath(path), [.readOnly, .directory])
        guard try Self.isEmpty(directory) else { return nil }
        return try CloneDestination(path, directory, made: [])
    }

    private static func isEmpty(_ directory: borrowing OwnedDescriptor) throws(Errno) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: Self.bytesAtOnce, alignment: 8) { buffer throws(Errno) in
            while true {
                let count = try directory.readDirectory(into: buffer)
                if count == 0 { return true }
                var entries = DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                if entries.next() != nil { return false }
            }
        }
    }

    /// Whether the path still means this directory, and something is in it.
    func isOccupied(_ resolver: FileResolver) -> Bool {
        guard let path = try? RawPath(self.path),
            let directory = try? resolver.open(path, [.readOnly, .directory]),
            let status = try? directory.status(), status.identity == self.identity
        else { return false }
        return (try? Self.isEmpty(directory)) == false
    }

    /// Removes what was made for the clone, as far as nothing is in it.
    func removeEmpty(_ resolver: FileResolver) {
        Self.remove(self.made, resolver)
    }

    private static func remove(_ directories: [String], _ resolver: FileResolver) {
        for directory in directories.reversed() {
            guard let path = try? RawPath(directory), let place = try? resolver.location(of: path) else {
                continue
            }
            try? place.directory.removeDirectory(place.name)
        }
    }
}
