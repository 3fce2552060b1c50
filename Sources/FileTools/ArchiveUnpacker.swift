import Connect
import LinuxSystem
import NIOCore
import SandboxContext
import SystemPackage

/// Unpacks a tar archive below a directory, and never outside of it. On threads that may block.
///
/// Nothing on the way to an entry is a link that is followed: each directory is opened from the one before it. What
/// is made belongs to the account.
struct ArchiveUnpacker: Sendable {
    /// A file that is being written.
    private struct Current: Sendable {
        let entry: TarEntry
        let file: OpenEntry
        let directory: OpenEntry
        let name: RawPath
    }

    private let root: OpenEntry
    private let files: FileAccess
    private let account: Account
    private var parser = TarParser()
    private var current: Current?
    /// The directory that was needed last, and its path.
    private var parent: (path: [RawPath], directory: OpenEntry)?
    /// Directories that were made, with what is to be set when all is in them.
    private var made: [(path: ArchivePath, entry: TarEntry, identity: FileStatus.Identity)] = []
    private(set) var entries = 0
    private(set) var bytes: Int64 = 0
    private(set) var isComplete = false

    /// - Parameter root: The directory, open for reading.
    init(into root: OpenEntry, _ files: FileAccess, as account: Account) {
        self.root = root
        self.files = files
        self.account = account
    }

    /// Unpacks the next bytes of the archive.
    mutating func unpack(_ bytes: ByteBuffer) throws(ToolFailure) {
        self.parser.feed(bytes)
        while true {
            let event: TarParser.Event
            do throws(TarParser.Problem) {
                event = try self.parser.next()
            } catch {
                throw ToolFailure(.invalidArgument, "cannot unpack the archive: \(error.reason)")
            }
            switch event {
            case .hungry: return
            case .end:
                self.isComplete = true
                return
            case .entry(let entry): try self.unpack(entry)
            case .content(let piece): try self.write(piece)
            case .contentEnd: try self.finishFile()
            }
        }
    }

    /// Sets what was left for the end.
    ///
    /// - Throws: ``ToolFailure`` if the archive has not ended.
    mutating func finish() throws(ToolFailure) {
        guard self.isComplete else {
            throw ToolFailure(.invalidArgument, "cannot unpack the archive: it has no end")
        }
        for (path, entry, identity) in self.made.reversed() {
            self.parent = nil  // What has the name now, and not what had it.
            let directory = try self.open(path.names, isMade: false)
            // Somebody may have put another one there, which is none of ours.
            guard directory.status.identity == identity, directory.status.uid == self.account.uid else {
                continue
            }
            try trying("cannot unpack '\(Self.text(entry.path))'") { () throws(Errno) in
                try directory.file.setMode(entry.mode & 0o777)
                try directory.file.setModified(seconds: entry.modified, nanoseconds: 0)
            }
        }
    }

    /// Takes away the file that is incomplete.
    mutating func cancel() {
        guard let current = self.current.take() else { return }
        _ = self.files.performQuietly(as: self.account) { _ throws(Errno) in
            let status = try current.directory.file.status(of: current.name)
            guard status.identity == current.file.status.identity else { return }
            try current.directory.file.remove(current.name)
        }
    }

    private static func text(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

    // MARK: Entries

    private mutating func unpack(_ entry: TarEntry) throws(ToolFailure) {
        self.entries += 1
        guard self.entries <= ArchiveLimits.entries else {
            throw ToolFailure(
                .resourceExhausted, "the archive has more than \(ArchiveLimits.entries) entries")
        }
        let path = try ArchivePath(entry.path)
        if entry.kind == .directory { return try self.makeDirectory(path, entry) }
        guard let name = path.names.last else {
            throw ArchivePath.refused(Self.text(entry.path), "it is the directory itself")
        }
        let directory = try self.open(Array(path.names.dropLast()), isMade: true)
        switch entry.kind {
        case .file:
            let file = try self.acting(entry) { () throws(Errno) in
                try directory.file.replacing(name) { () throws(Errno) in
                    try OpenEntry(
                        try directory.file.open(
                            name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600))
                }
            }
            self.current = Current(entry: entry, file: file, directory: directory, name: name)
        case .symbolicLink:
            guard path.admits(target: entry.target), let target = try? RawPath(entry.target) else {
                throw ArchivePath.refused(
                    Self.text(entry.path), "it is a link that leads out of the directory")
            }
            try self.acting(entry) { () throws(Errno) in
                try directory.file.replacing(name) { () throws(Errno) in
                    try directory.file.makeLink(name, to: target)
                }
            }
        case .hardLink: try self.makeName(name, in: directory, entry)
        case .fifo:
            throw ArchivePath.refused(Self.text(entry.path), "it is neither a file, a directory nor a link")
        case .directory: break
        }
    }

    /// Runs `body` as the account.
    private func acting<Success>(
        _ entry: TarEntry, _ body: () throws(Errno) -> Success
    ) throws(ToolFailure) -> Success {
        try trying("cannot unpack '\(Self.text(entry.path))'") { () throws(Errno) in
            try self.files.performNow(as: self.account) { _ throws(Errno) in try body() }
        }
    }

    private mutating func makeDirectory(_ path: ArchivePath, _ entry: TarEntry) throws(ToolFailure) {
        guard let name = path.names.last else { return }
        let parent = try self.open(Array(path.names.dropLast()), isMade: true)
        let isNew = try self.acting(entry) { () throws(Errno) in
            do throws(Errno) {
                try parent.file.makeDirectory(name, mode: Self.mode)
                return true
            } catch {
                guard error == .fileExists else { throw error }
                return false
            }
        }
        let directory = try self.open(path.names, isMade: false)
        // What is not the account's has been put there since.
        guard isNew, directory.status.uid == self.account.uid else { return }
        guard self.made.count < ArchiveLimits.directories else {
            throw ToolFailure(
                .resourceExhausted, "the archive has more than \(ArchiveLimits.directories) directories")
        }
        self.made.append((path, entry, directory.status.identity))
    }

    /// Permissions of directories until the end, before the umask.
    private static let mode: UInt32 = 0o755

    /// Another name of a file that is there: not of a link, which from another place would lead elsewhere.
    private mutating func makeName(
        _ name: RawPath, in directory: OpenEntry, _ entry: TarEntry
    ) throws(ToolFailure) {
        let target = try ArchivePath(entry.target)
        guard let old = target.names.last else {
            throw ArchivePath.refused(Self.text(entry.path), "it is a link to a directory")
        }
        let place = try self.open(Array(target.names.dropLast()), isMade: false)
        try self.acting(entry) { () throws(Errno) in
            guard try place.file.status(of: old).kind == .regular else { throw .notPermitted }
            // Onto itself there is nothing to do, and nothing may be taken away before.
            if place.status.identity == directory.status.identity, old == name { return }
            try directory.file.replacing(name) { () throws(Errno) in
                try place.file.makeName(name, in: directory.file, of: old)
            }
        }
    }

    /// Opens the directory at a path, and makes it where it is not there.
    private mutating func open(_ names: [RawPath], isMade: Bool) throws(ToolFailure) -> OpenEntry {
        if let parent, parent.path == names { return parent.directory }
        var directory = self.root
        let operation = "cannot unpack into '\(names.map(\.text).joined(separator: "/"))'"
        for name in names {
            let place = directory
            directory = try trying(operation) { () throws(Errno) in
                try self.files.performNow(as: self.account) { _ throws(Errno) in
                    do throws(Errno) {
                        return try OpenEntry(try place.file.open(name, Self.place))
                    } catch {
                        guard error == .noSuchFileOrDirectory, isMade else { throw error }
                    }
                    do throws(Errno) {
                        try place.file.makeDirectory(name, mode: Self.mode)
                    } catch {
                        guard error == .fileExists else { throw error }
                    }
                    return try OpenEntry(try place.file.open(name, Self.place))
                }
            }
        }
        self.parent = (names, directory)
        return directory
    }

    private static let place: OpenFlags = [.readOnly, .directory, .noFollow]

    // MARK: Content

    private mutating func write(_ piece: ByteBuffer) throws(ToolFailure) {
        guard let current else { return }
        try trying("cannot unpack '\(Self.text(current.entry.path))'") { () throws(Errno) in
            try piece.withUnsafeReadableBytes { bytes throws(Errno) in try current.file.file.writeAll(bytes) }
        }
        self.bytes += Int64(piece.readableBytes)
    }

    private mutating func finishFile() throws(ToolFailure) {
        guard let current else { return }
        try trying("cannot unpack '\(Self.text(current.entry.path))'") { () throws(Errno) in
            try current.file.file.setMode(current.entry.mode & 0o777)
            try current.file.file.setModified(seconds: current.entry.modified, nanoseconds: 0)
        }
        self.current = nil
    }
}

extension OwnedDescriptor {
    /// Makes an entry with `body`; what has its name and is no directory is taken away before.
    fileprivate borrowing func replacing<Success>(
        _ name: RawPath, _ body: () throws(Errno) -> Success
    ) throws(Errno) -> Success {
        do throws(Errno) {
            return try body()
        } catch {
            guard error == .fileExists else { throw error }
        }
        try self.remove(name)
        return try body()
    }
}
