import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SystemPackage

/// A directory that is watched on behalf of an account: what is done in the file system for it, on threads that may
/// block.
struct WatchPlace: Sendable {
    /// What the client called it, resolved.
    let path: String
    let account: Account
    let identity: FileStatus.Identity
    /// Changes of other hosts go unseen.
    let isOnNetwork: Bool
    private let files: FileAccess
    private let names: OwnerNames

    /// Looks at the directory.
    ///
    /// - Throws: `FilesystemFailure`: `notFound` if there is none, `invalidArgument` if it is something else or on a
    ///   network file system, which has to be allowed.
    init(
        _ path: String, as account: Account, allowsNetwork: Bool, files: FileAccess, names: OwnerNames
    ) throws(FilesystemFailure) {
        let (status, type) = try files.performNow(as: account) {
            resolver throws(FilesystemFailure) in try Self.look(at: path, resolver)
        }
        guard status.kind == .directory else {
            throw FilesystemFailure(.invalidArgument, "path \(path) not a directory")
        }
        self.isOnNetwork = Self.networkFileSystems.contains(type)
        guard allowsNetwork || !self.isOnNetwork else {
            throw FilesystemFailure(
                .invalidArgument, "cannot watch path on network filesystem: \(path)")
        }
        self.path = path
        self.account = account
        self.identity = status.identity
        self.files = files
        self.names = names
    }

    /// What is at the path, and the type of the file system that it is on.
    private static func look(
        at path: String, _ resolver: FileResolver
    ) throws(FilesystemFailure) -> (FileStatus, Int64) {
        do throws(Errno) {
            let descriptor = try resolver.open(try RawPath(path), .pathOnly)
            let status = try descriptor.status()
            return (status, try descriptor.fileSystemStatus().type)
        } catch {
            switch error {
            case .noSuchFileOrDirectory:
                throw FilesystemFailure(
                    .notFound, "path \(path) not found: stat \(path): \(error.lowercasedDescription)", error)
            default: throw .unexpected("error statting path \(path): stat \(path)", error)
            }
        }
    }

    /// NFS, CIFS, SMB, SMB2 and FUSE; linux/magic.h.
    private static let networkFileSystems: Set<Int64> = [
        0x6969, 0xFF53_4D42, 0x517B, 0xFE53_4D42, 0x6573_5546,
    ]

    // MARK: Directories

    /// A directory that is watched now, and what was in it afterwards.
    struct Armed: Sendable {
        var watch: Int32
        /// In the order of the names' bytes.
        var entries: [ListedEntry]
    }

    /// The directory itself, open to go on from.
    final class Root: Sendable {
        fileprivate let directory: OwnedDescriptor

        fileprivate init(_ directory: consuming OwnedDescriptor) {
            self.directory = directory
        }
    }

    /// Opens the directory, which is not kept open: that would keep its file system from being unmounted.
    ///
    /// - Throws: `Errno`: `staleNFSFileHandle` if the path leads to another one by now.
    func open() throws(Errno) -> Root {
        try self.files.performNow(as: self.account) { resolver throws(Errno) in
            let directory = try resolver.open(try RawPath(self.path), [.pathOnly, .directory])
            guard try directory.status().identity == self.identity else { throw .staleNFSFileHandle }
            return Root(directory)
        }
    }

    /// Watches the directory or one inside, and lists it after that, so that nothing is missed between.
    ///
    /// - Parameter since: mark the entries that changed since then.
    /// - Throws: `Errno`: `noSpace` at the limit of watches.
    func arm(
        _ path: WatchPath, in root: Root, _ counts: WatchCounts, since: FileTime?
    ) throws(Errno) -> Armed {
        let inner = path.bytes.isEmpty ? RawPath.current : try RawPath(path.bytes)
        return try self.files.performNow(as: self.account) { resolver throws(Errno) in
            // A link in the place of a directory that was inside is not it.
            let directory = try resolver.open(inner, in: root.directory, [.readOnly, .directory, .noFollow])
            let watch = try counts.add(directory)
            do throws(Errno) {
                return Armed(watch: watch, entries: try Self.list(directory, since: since))
            } catch {
                counts.release([watch])
                throw error
            }
        }
    }

    /// Bytes of one read of a directory.
    private static let listBytes = 32 << 10

    private static func list(
        _ directory: borrowing OwnedDescriptor, since: FileTime?
    ) throws(Errno) -> [ListedEntry] {
        var entries: [ListedEntry] = []
        try withUnsafeTemporaryAllocation(byteCount: Self.listBytes, alignment: 8) { buffer throws(Errno) in
            while true {
                let count = try directory.readDirectory(into: buffer)
                guard count > 0 else { return }
                for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    var listed = ListedEntry(Array(entry.name), isDirectory: entry.isDirectory ?? false)
                    if since != nil || entry.isDirectory == nil {
                        // What has vanished meanwhile is not there.
                        guard let status = try? directory.status(of: try RawPath(listed.name)) else {
                            continue
                        }
                        listed.isDirectory = status.kind == .directory
                        listed.change = since.flatMap { Self.change(status, since: $0) }
                    }
                    entries.append(listed)
                }
            }
        }
        entries.sort { $0.name.lexicographicallyPrecedes($1.name) }
        return entries
    }

    /// What changed of an entry; what is in a directory is not looked at here.
    private static func change(_ status: FileStatus, since: FileTime) -> ListedEntry.Change? {
        if status.modified >= since { return status.kind == .directory ? nil : .content }
        return status.changed >= since ? .attributes : nil
    }

    // MARK: Entries

    /// Describes what is at a path now; nil if that cannot be done.
    func describe(_ path: WatchPath) -> Filesystem_EntryInfo? {
        guard let whole = try? self.rawPath(path) else { return nil }
        return try? self.files.performNow(as: self.account) { resolver throws(Errno) in
            let facts = try EntryFacts(of: try resolver.location(of: whole), resolver)
            return Filesystem_EntryInfo(facts, path: whole.text, self.names.now())
        }
    }

    private func rawPath(_ path: WatchPath) throws(Errno) -> RawPath {
        let root = try RawPath(self.path)
        return path.bytes.isEmpty ? root : root.appending(try RawPath(path.bytes))
    }
}
