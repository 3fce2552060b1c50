import LinuxSystem
import NIOHTTP1
import SandboxContext
import SystemPackage

/// A file that has been opened, and maybe made, for an upload.
final class OpenedUpload: Sendable {
    let file: OwnedDescriptor
    let identity: FileStatus.Identity
    /// Where the file is that this upload has made; nil if it was there.
    private let place: FileLocation?
    /// The name that the file has until it takes the place of another one; nil if it is in its place.
    let temporary: RawPath?

    /// Whether nothing was there before.
    var isNew: Bool { self.place != nil }

    init(
        _ file: consuming OwnedDescriptor, _ identity: FileStatus.Identity, place: consuming FileLocation?,
        temporary: RawPath? = nil
    ) {
        self.file = file
        self.identity = identity
        self.place = place
        self.temporary = temporary
    }

    /// Opens the file that `path` leads to, or makes one that belongs to the account.
    static func open(
        _ request: UploadRequest, _ path: TargetPath, length: Int?, _ resolver: FileResolver
    ) throws(TransferFailure) -> OpenedUpload {
        let raw: RawPath
        let status: FileStatus?
        let known = try? path.raw()
        let looked = Result { () throws(Errno) in
            try known.map { known throws(Errno) in try Self.status(of: known, resolver) } ?? nil
        }
        if let known, case .success(let found?) = looked {
            // What is there has directories above it.
            (raw, status) = (known, found)
        } else {
            let hadDirectories = try AncestorDirectories.make(of: path, for: request.account, resolver)
            do throws(Errno) {
                raw = try path.raw()
                // Where it was missing in a directory that is there, there is no need to look again.
                if case .success = looked, hadDirectories {
                    status = nil
                } else {
                    status = try Self.status(of: raw, resolver)
                }
            } catch {
                throw TransferFailure(
                    .internalServerError,
                    "error getting file info: stat \(path.text): \(error.lowercasedDescription)", errno: error
                )
            }
        }
        if let status { try Self.requireRegular(status, path) }
        if request.replacesAtomically {
            return try Self.makeTemporary(raw, status, request, path, length: length, resolver)
        }
        guard status == nil else {
            return try Self.openExisting(raw, request, path, length: length, resolver)
        }
        return try Self.make(raw, request, path, length: length, resolver)
    }

    private static func status(
        of path: RawPath, _ resolver: FileResolver
    ) throws(Errno) -> FileStatus? {
        do throws(Errno) {
            return try resolver.open(path, .pathOnly).status()
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    private static func requireRegular(_ status: FileStatus, _ path: TargetPath) throws(TransferFailure) {
        switch status.kind {
        case .regular: return
        case .directory: throw TransferFailure(.badRequest, "path is a directory: \(path.text)")
        case .symbolicLink, .blockDevice, .characterDevice, .fifo, .socket, .unknown:
            throw TransferFailure(.badRequest, "path is not a regular file: \(path.text)")
        }
    }

    // MARK: In place

    /// Opens the file that is there, and empties it.
    private static func openExisting(
        _ raw: RawPath, _ request: UploadRequest, _ path: TargetPath, length: Int?, _ resolver: FileResolver
    ) throws(TransferFailure) -> OpenedUpload {
        let file = try trying("error opening file: open \(path.text)") { () throws(Errno) in
            try resolver.open(raw, [.writeOnly, .nonBlocking, .noControllingTerminal])
        }
        let status = try trying("error getting file info: stat \(path.text)") { () throws(Errno) in
            try file.status()
        }
        try Self.requireRegular(status, path)
        if let length { try request.requireSpace(length, replacing: status.size, on: file) }
        try request.setOwner(of: file, path)
        do throws(Errno) {
            try file.setSize(0)
        } catch {
            // What the files of some virtual file systems do not know, they do not need.
            guard status.size == 0 else {
                throw TransferFailure(
                    .internalServerError,
                    "error opening file: open \(path.text): \(error.lowercasedDescription)", errno: error)
            }
        }
        return OpenedUpload(file, status.identity, place: nil)
    }

    /// Makes the file.
    private static func make(
        _ raw: RawPath, _ request: UploadRequest, _ path: TargetPath, length: Int?, _ resolver: FileResolver
    ) throws(TransferFailure) -> OpenedUpload {
        let place = try trying("error opening file: open \(path.text)") { () throws(Errno) in
            try resolver.location(of: raw)
        }
        if let length { try request.requireSpace(length, replacing: 0, on: place.directory) }
        let file: OwnedDescriptor?
        do throws(Errno) {
            file = try place.directory.open(place.name, [.writeOnly, .create, .exclusive], mode: Self.mode)
        } catch {
            // A link that leads to nothing, or a file that somebody has just made.
            guard error == .fileExists else { throw Self.openFailure(path, error) }
            file = nil
        }
        guard let file else {
            return try Self.makeBehindLink(raw, request, path, resolver)
        }
        do throws(TransferFailure) {
            let identity = try Self.own(file, request, path)
            return OpenedUpload(file, identity, place: place)
        } catch {
            try? place.directory.remove(place.name)
            throw error
        }
    }

    /// Makes the file where a link leads.
    private static func makeBehindLink(
        _ raw: RawPath, _ request: UploadRequest, _ path: TargetPath, _ resolver: FileResolver
    ) throws(TransferFailure) -> OpenedUpload {
        let file = try Self.opening(path) { () throws(Errno) in
            try resolver.open(
                raw, [.writeOnly, .create, .truncate, .nonBlocking, .noControllingTerminal], mode: Self.mode)
        }
        let status = try trying("error getting file info: stat \(path.text)") { () throws(Errno) in
            try file.status()
        }
        try Self.requireRegular(status, path)
        try request.setOwner(of: file, path)
        return OpenedUpload(file, status.identity, place: nil)
    }

    /// Permissions of new files, before the umask.
    private static let mode: UInt32 = 0o666

    private static func opening(
        _ path: TargetPath, _ open: () throws(Errno) -> OwnedDescriptor
    ) throws(TransferFailure) -> OwnedDescriptor {
        do throws(Errno) {
            return try open()
        } catch {
            throw Self.openFailure(path, error)
        }
    }

    private static func openFailure(_ path: TargetPath, _ error: Errno) -> TransferFailure {
        let text = "open \(path.text): \(error.lowercasedDescription)"
        return error == .noSpace
            ? TransferFailure(.insufficientStorage, "not enough inodes available: \(text)", errno: error)
            : TransferFailure(.internalServerError, "error opening file: \(text)", errno: error)
    }

    /// Gives a file that has been made to the account.
    private static func own(
        _ file: borrowing OwnedDescriptor, _ request: UploadRequest, _ path: TargetPath
    ) throws(TransferFailure) -> FileStatus.Identity {
        try request.setOwner(of: file, path)
        do throws(Errno) {
            return try file.status().identity
        } catch {
            throw TransferFailure(
                .internalServerError,
                "error getting file info: stat \(path.text): \(error.lowercasedDescription)", errno: error)
        }
    }

    // MARK: Beside its place

    /// Makes a file under another name in the directory where it will take the place of what is there.
    private static func makeTemporary(
        _ raw: RawPath, _ replaced: FileStatus?, _ request: UploadRequest, _ path: TargetPath, length: Int?,
        _ resolver: FileResolver
    ) throws(TransferFailure) -> OpenedUpload {
        let place = try trying("error opening file: open \(path.text)") { () throws(Errno) in
            try resolver.location(of: raw)
        }
        if let length { try request.requireSpace(length, replacing: 0, on: place.directory) }
        let temporary = try trying("error opening file") { () throws(Errno) in
            try TemporaryName.make("upload")
        }
        let file = try Self.opening(path) { () throws(Errno) in
            try place.directory.open(temporary, [.writeOnly, .create, .exclusive], mode: Self.mode)
        }
        do throws(TransferFailure) {
            let identity = try Self.own(file, request, path)
            if let replaced {
                try trying("error opening file: chmod \(path.text)") { () throws(Errno) in
                    try file.setMode(replaced.permissions)
                }
            }
            return OpenedUpload(file, identity, place: place, temporary: temporary)
        } catch {
            try? place.directory.remove(temporary)
            throw error
        }
    }

    /// Puts the file in its place, if it has another name yet.
    func takePlace() throws(Errno) {
        guard let temporary = self.temporary else { return }
        switch self.place {
        case .none: return
        case .some(let place): try place.directory.rename(temporary, to: place.directory, place.name)
        }
    }

    /// Takes away the file if this upload has made it and it is still there.
    func remove() {
        switch self.place {
        case .none: return
        case .some(let place):
            let name = self.temporary ?? place.name
            guard let status = try? place.directory.status(of: name), status.identity == self.identity else {
                return
            }
            // What it had is freed here, and not where the last descriptor is closed.
            try? self.file.setSize(0)
            try? place.directory.remove(name)
        }
    }
}
