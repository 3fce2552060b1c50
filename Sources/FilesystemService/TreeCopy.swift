import LinuxSystem
import SystemPackage

/// Copies an entry with all that is in it, as it is: contents with holes, owners, modes, times, extended attributes, links,
/// devices. Several names of one file stay names of one.
struct TreeCopy: ~Copyable {
    /// Levels below the first directory, each of which takes two descriptors.
    private static let depthLimit = 1000
    /// Permissions of what is not complete yet.
    private static let incompleteFileMode: UInt32 = 0o600
    private static let incompleteDirectoryMode: UInt32 = 0o700
    /// Copies that are remembered because their files have other names.
    private static let rememberedCopies = 100_000

    private struct Copied {
        /// Where it is, from where the copying began.
        var path: RawPath
        var identity: FileStatus.Identity
    }

    /// Where the first copy is made.
    private let start: OwnedDescriptor
    /// Of the files that have several names.
    private var copies: [FileStatus.Identity: Copied] = [:]

    private init(from start: consuming OwnedDescriptor) {
        self.start = start
    }

    /// Copies the entry `name` of `directory` to the entry `newName` of `destination`, which must not exist.
    ///
    /// After a failure, a part of the copy may be there.
    ///
    /// - Returns: what it was that was copied.
    static func copy(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, to destination: borrowing OwnedDescriptor,
        _ newName: RawPath
    ) throws(Errno) -> FileStatus {
        var copying = TreeCopy(from: try destination.duplicate())
        return try copying.copy(name, in: directory, to: destination, newName, at: newName, depth: 0)
    }

    /// - Parameter path: Where the copy will be, from where the copying began.
    @discardableResult
    private mutating func copy(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, to destination: borrowing OwnedDescriptor,
        _ newName: RawPath, at path: RawPath, depth: Int
    ) throws(Errno) -> FileStatus {
        guard depth < Self.depthLimit else { throw .fileNameTooLong }
        let status = try directory.status(of: name)
        switch status.kind {
        case .regular:
            // What is opened is what is copied, even if the name stands for something else by now.
            let source = try directory.open(name, [.readOnly, .noFollow, .nonBlocking])
            let opened = try source.status()
            if opened.links > 1, self.linkCopy(of: opened, to: destination, newName) { return opened }
            let copy = try destination.open(
                newName, [.writeOnly, .create, .exclusive], mode: Self.incompleteFileMode)
            try source.copyWithHoles(to: copy)
            let copied = try Self.complete(copy, like: source)
            if copied.links > 1, self.copies.count < Self.rememberedCopies {
                self.copies[copied.identity] = Copied(path: path, identity: try copy.status().identity)
            }
            return copied
        case .directory:
            let source = try directory.open(name, [.readOnly, .directory, .noFollow])
            try destination.makeDirectory(newName, mode: Self.incompleteDirectoryMode)
            let copy = try destination.open(newName, [.readOnly, .directory, .noFollow])
            try self.copyEntries(of: source, to: copy, at: path, depth: depth)
            return try Self.complete(copy, like: source)
        case .symbolicLink:
            try destination.makeLink(newName, to: try directory.linkTarget(of: name))
        case .blockDevice, .characterDevice, .fifo, .socket, .unknown:
            try destination.makeNode(newName, like: status)
        }
        try destination.setOwner(of: newName, uid: status.uid, gid: status.gid)
        return status
    }

    /// Gives the copy of a file that has been copied under another name the name `newName` in `destination`.
    ///
    /// - Returns: false if there is none, or it cannot be.
    private mutating func linkCopy(
        of file: FileStatus, to destination: borrowing OwnedDescriptor, _ newName: RawPath
    ) -> Bool {
        guard let copied = self.copies[file.identity] else { return false }
        do throws(Errno) {
            try self.start.makeName(newName, in: destination, of: copied.path)
            if try destination.status(of: newName).identity == copied.identity { return true }
            // Directories that are complete are their owner's, who may have put something else there.
            try destination.remove(newName)
        } catch {
            // A file has as many names as the file system allows, for instance.
        }
        self.copies[file.identity] = nil
        return false
    }

    private mutating func copyEntries(
        of source: borrowing OwnedDescriptor, to copy: borrowing OwnedDescriptor, at path: RawPath, depth: Int
    ) throws(Errno) {
        var names = try NameList(ofWhatIsLeftOf: source)
        names.sort()
        for position in 0..<names.count {
            let name = try RawPath(names[position])
            do {
                try self.copy(name, in: source, to: copy, name, at: path.appending(name), depth: depth + 1)
            } catch  where error == .noSuchFileOrDirectory {
                // It vanished meanwhile.
            }
        }
    }

    private static func complete(
        _ copy: borrowing OwnedDescriptor, like source: borrowing OwnedDescriptor
    ) throws(Errno) -> FileStatus {
        let status = try source.status()
        try Self.copyAttributes(of: source, to: copy)
        try copy.setOwner(uid: status.uid, gid: status.gid)
        // After the owner, whose change takes set-ID bits away.
        try copy.setMode(status.mode & 0o7777)
        try copy.setModified(seconds: status.modifiedSeconds, nanoseconds: status.modifiedNanoseconds)
        return status
    }

    /// Copies the attributes that are the clients'; of the others those that the other file system takes.
    private static func copyAttributes(
        of source: borrowing OwnedDescriptor, to copy: borrowing OwnedDescriptor
    ) throws(Errno) {
        let names: [RawPath]
        do {
            names = try source.attributeNames()
        } catch  where error == .notSupported {
            return
        }
        for name in names {
            do {
                try copy.setAttribute(name, try source.attribute(name))
            } catch  where error == .notSupported || !name.bytes.starts(with: "user.".utf8) {
            }
        }
    }
}
