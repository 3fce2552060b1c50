import LinuxSystem
import SystemPackage

/// Copies an entry with all that is in it, as it is: contents with holes, owners, modes, times, extended attributes, links,
/// devices.
///
/// Several names of one file become several files.
enum TreeCopy {
    /// Levels below the first directory, each of which takes two descriptors.
    private static let depthLimit = 1000
    /// Bytes of entries that are read at once.
    private static let bufferBytes = 16 << 10
    /// Permissions of what is not complete yet.
    private static let incompleteFileMode: UInt32 = 0o600
    private static let incompleteDirectoryMode: UInt32 = 0o700

    /// Copies the entry `name` of `directory` to the entry `newName` of `destination`, which must not exist.
    ///
    /// After a failure, a part of the copy may be there.
    ///
    /// - Returns: what it was that was copied.
    static func copy(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, to destination: borrowing OwnedDescriptor,
        _ newName: RawPath
    ) throws(Errno) -> FileStatus {
        try Self.copy(name, in: directory, to: destination, newName, depth: 0)
    }

    @discardableResult
    private static func copy(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, to destination: borrowing OwnedDescriptor,
        _ newName: RawPath, depth: Int
    ) throws(Errno) -> FileStatus {
        guard depth < Self.depthLimit else { throw .fileNameTooLong }
        let status = try directory.status(of: name)
        switch status.kind {
        case .regular:
            // What is opened is what is copied, even if the name stands for something else by now.
            let source = try directory.open(name, [.readOnly, .noFollow, .nonBlocking])
            let copy = try destination.open(
                newName, [.writeOnly, .create, .exclusive], mode: Self.incompleteFileMode)
            try source.copyWithHoles(to: copy)
            return try Self.complete(copy, like: source)
        case .directory:
            let source = try directory.open(name, [.readOnly, .directory, .noFollow])
            try destination.makeDirectory(newName, mode: Self.incompleteDirectoryMode)
            let copy = try destination.open(newName, [.readOnly, .directory, .noFollow])
            try Self.copyEntries(of: source, to: copy, depth: depth)
            return try Self.complete(copy, like: source)
        case .symbolicLink:
            try destination.makeLink(newName, to: try directory.linkTarget(of: name))
        case .blockDevice, .characterDevice, .fifo, .socket, .unknown:
            try destination.makeNode(newName, like: status)
        }
        try destination.setOwner(of: newName, uid: status.uid, gid: status.gid)
        return status
    }

    private static func copyEntries(
        of source: borrowing OwnedDescriptor, to copy: borrowing OwnedDescriptor, depth: Int
    ) throws(Errno) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = try source.readDirectory(into: buffer)
            guard count > 0 else { return }
            for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                let name = try RawPath(entry.name)
                do {
                    try Self.copy(name, in: source, to: copy, name, depth: depth + 1)
                } catch  where error == .noSuchFileOrDirectory {
                    // It vanished meanwhile.
                }
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
