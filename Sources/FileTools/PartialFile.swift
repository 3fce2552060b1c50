import Connect
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

/// A file that comes in several requests, in the directory of its place, until it is complete. On threads that may
/// block.
final class PartialFile: Sendable {
    /// Which upload it is.
    struct Key: Sendable {
        var path: String
        /// Bytes of the whole file.
        var total: Int64
        /// What the client calls it.
        var id: String

        /// The name until it is complete: another one for each upload, so that they do not mix.
        fileprivate func name(for place: RawPath) throws(Errno) -> RawPath {
            let text = Array(place.bytes) + [0] + Array("\(self.total)".utf8) + [0] + Array(self.id.utf8)
            let digest = text.withUnsafeBytes { ContentDigest.sha256(of: $0) }
            return try RawPath(".envd-part-\(digest.prefix(32))")
        }

        fileprivate var operation: String { "cannot upload '\(self.path)'" }
    }

    private let key: Key
    private let entry: OpenEntry
    private let place: FileLocation
    private let name: RawPath

    /// What identifies the file for as long as it exists.
    var identity: FileStatus.Identity { self.entry.status.identity }

    private init(_ key: Key, _ entry: OpenEntry, _ place: consuming FileLocation, _ name: RawPath) {
        self.key = key
        self.entry = entry
        self.place = place
        self.name = name
    }

    /// How many bytes of an upload are here.
    static func size(of key: Key, _ resolver: FileResolver) throws(ToolFailure) -> Int64 {
        let status = try Self.status(of: key, resolver)
        return status?.kind == .regular ? status?.size ?? 0 : 0
    }

    /// What has the name of an upload that is not complete; nil if nothing has.
    private static func status(of key: Key, _ resolver: FileResolver) throws(ToolFailure) -> FileStatus? {
        do throws(Errno) {
            let place = try resolver.location(of: try RawPath(key.path))
            return try place.directory.status(of: try key.name(for: place.name))
        } catch {
            guard error == .noSuchFileOrDirectory else { throw ToolFailure(key.operation, error) }
            return nil
        }
    }

    /// Forgets what is here of an upload.
    static func remove(_ key: Key, _ resolver: FileResolver) throws(ToolFailure) {
        do throws(Errno) {
            let place = try resolver.location(of: try RawPath(key.path))
            try place.directory.remove(try key.name(for: place.name))
        } catch {
            guard error == .noSuchFileOrDirectory else { throw ToolFailure(key.operation, error) }
        }
    }

    /// Opens it to go on at `offset`, and makes it, and the directories above, if nothing is here.
    ///
    /// - Throws: ``ToolFailure`` with `aborted` if another number of bytes is here.
    static func open(
        _ key: Key, at offset: Int64, for account: Account, _ resolver: FileResolver
    ) throws(ToolFailure) -> PartialFile {
        // What is not here is not begun in its midst.
        if offset > 0, try Self.status(of: key, resolver) == nil { throw .wrongOffset(key.operation, 0) }
        let opened = try trying(key.operation) { () throws(Errno) in
            let path = try RawPath(key.path)
            guard !path.endsWithSlash else { throw .isDirectory }
            try DirectoryPath.make(Array(path.components.dropLast()), resolver)
            let place = try resolver.location(of: path)
            guard place.name != .current, place.name != .parent,
                (try? place.directory.status(of: place.name))?.kind != .directory
            else { throw .isDirectory }
            let name = try key.name(for: place.name)
            try Self.requireSpace(key, from: offset, in: place.directory)
            let entry = try OpenEntry(
                try place.directory.open(
                    name, [.writeOnly, .create, .noFollow, .nonBlocking, .noControllingTerminal], mode: 0o666)
            )
            return PartialFile(key, entry, place, name)
        }
        let status = opened.entry.status
        // Somebody may have put something else there.
        guard status.kind == .regular, status.links == 1, status.uid == account.uid else {
            throw ToolFailure(.permissionDenied, "\(key.operation): what is here of it is not the user's")
        }
        guard status.size == offset else { throw .wrongOffset(key.operation, status.size) }
        return opened
    }

    private static func requireSpace(
        _ key: Key, from offset: Int64, in directory: borrowing OwnedDescriptor
    ) throws(Errno) {
        guard let space = try? directory.fileSystemStatus().availableBytes else { return }
        guard Int64(clamping: space) >= key.total - offset else { throw .noSpace }
    }

    /// Goes on from where it is.
    func begin(at offset: Int64) throws(ToolFailure) {
        // Another request may have gone on before this one had it for itself.
        let size = try trying(self.key.operation) { () throws(Errno) in try self.entry.file.status().size }
        guard size == offset else { throw .wrongOffset(self.key.operation, size) }
        try trying(self.key.operation) { () throws(Errno) in try self.entry.file.setPosition(offset) }
    }

    func write(_ bytes: ByteBuffer) throws(ToolFailure) {
        try trying(self.key.operation) { () throws(Errno) in
            try bytes.withUnsafeReadableBytes { bytes throws(Errno) in try self.entry.file.writeAll(bytes) }
        }
    }

    /// Puts the complete file in its place, with the permissions of what was there.
    ///
    /// - Throws: ``ToolFailure`` with `aborted` if the upload has been forgotten meanwhile: what has its name now is
    ///   another's.
    func finish() throws(ToolFailure) {
        guard (try? self.place.directory.status(of: self.name))?.identity == self.identity else {
            throw ToolFailure(.aborted, "\(self.key.operation): it has been taken away")
        }
        try trying(self.key.operation) { () throws(Errno) in
            if let replaced = try? self.place.directory.status(of: self.place.name) {
                guard replaced.kind != .directory else { throw .isDirectory }
                if replaced.kind == .regular { try self.entry.file.setMode(replaced.permissions) }
            }
            try self.place.directory.rename(self.name, to: self.place.directory, self.place.name)
        }
    }
}

extension ToolFailure {
    /// A request goes on somewhere else than where the file ends.
    fileprivate static func wrongOffset(_ operation: String, _ size: Int64) -> ToolFailure {
        var failure = ToolFailure(.aborted, "\(operation): \(size) bytes of it are here")
        failure.error.metadata.add(name: "Upload-Offset", value: String(size))
        return failure
    }
}
