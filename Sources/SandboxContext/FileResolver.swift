package import LinuxSystem
package import SystemPackage

/// How one attempt of a file operation gets from paths to files.
///
/// Whoever holds a descriptor goes on from it: a path that is resolved twice may lead to two files.
package struct FileResolver: Sendable {
    /// Which links are followed on the way.
    package enum Links: Sendable {
        /// All: the thread may no more than whoever planted them. Links of /proc that lead to objects are none of
        /// these, for the objects would be the daemon's.
        case all
        /// Those that belong to root and have one name: the thread may more than whoever planted the others.
        case ofRoot
    }

    /// Links that are followed on one way, as the kernel has it; path_resolution(7).
    private static let linkLimit = 40
    /// Bytes of a path, and of a link's target: `PATH_MAX` without the NUL; limits.h.
    private static let pathLimit = 4095
    /// Names of a path with all the links that were met.
    private static let nameLimit = 4096

    package let links: Links
    /// Whether there will be another attempt, with more powers, if this one is denied.
    package let isRetried: Bool

    /// - Parameter isRetried: Whether a denial leads to another attempt.
    package init(links: Links, isRetried: Bool) {
        self.links = links
        self.isRetried = isRetried
    }

    /// Opens the file that an absolute path leads to.
    ///
    /// With ``OpenFlags/noFollow`` a link at its end is not followed.
    ///
    /// - Parameter mode: Permissions of a file that is created, before the umask.
    /// - Throws: `Errno`: `tooManySymbolicLinkLevels` also for a link that is not followed for safety.
    package func open(
        _ path: RawPath, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> OwnedDescriptor {
        guard !path.isEmpty else { throw .noSuchFileOrDirectory }
        guard ResolveFlags.areSupported else {
            return try self.walk(path, from: try Self.openRoot(), flags, mode: mode)
        }
        switch self.links {
        case .all: return try OwnedDescriptor.open(path, flags, mode: mode, resolve: .noMagicLinks)
        case .ofRoot:
            let file = try self.withoutLinks(flags) { flags throws(Errno) in
                try OwnedDescriptor.open(path, flags, mode: mode, resolve: .noLinks)
            }
            if let file { return file }
            return try self.walk(path, from: try Self.openRoot(), flags, mode: mode)
        }
    }

    /// Opens the file that a path leads to from `directory`; an absolute path begins at the root as always.
    ///
    /// - Throws: As ``open(_:_:mode:)``.
    package func open(
        _ path: RawPath, in directory: borrowing OwnedDescriptor, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> OwnedDescriptor {
        guard !path.isEmpty else { throw .noSuchFileOrDirectory }
        if ResolveFlags.areSupported {
            switch self.links {
            case .all: return try directory.open(path, flags, mode: mode, resolve: .noMagicLinks)
            case .ofRoot:
                let name = directory.rawValue
                let file = try self.withoutLinks(flags) { flags throws(Errno) in
                    try OwnedDescriptor.open(in: name, path, flags, mode: mode, resolve: .noLinks)
                }
                if let file { return file }
            }
        }
        let start = try path.isAbsolute ? Self.openRoot() : directory.open(.current, Self.place)
        return try self.walk(path, from: start, flags, mode: mode)
    }

    /// Opens a file on a way that has no links, which most have not: one call in place of three for each name.
    ///
    /// - Returns: nil if there are links on the way, or other names of the file, which have to be looked at.
    private func withoutLinks(
        _ flags: OpenFlags, _ open: (OpenFlags) throws(Errno) -> OwnedDescriptor
    ) throws(Errno) -> OwnedDescriptor? {
        let file: OwnedDescriptor
        do throws(Errno) {
            file = try open(flags.subtracting(.truncate))
        } catch {
            guard error == .tooManySymbolicLinkLevels else { throw error }
            return nil
        }
        let status = try file.status()
        guard status.kind == .regular else { return file }
        guard status.links <= 1 else { return nil }
        if flags.contains(.truncate) { try file.setSize(0) }
        return file
    }

    /// The directory that holds what an absolute path names, and the name in it: where entries are made, renamed,
    /// removed and looked at without following them.
    package func location(of path: RawPath) throws(Errno) -> FileLocation {
        let bytes = path.bytes
        let slash = UInt8(ascii: "/")
        guard let lastIndex = bytes.lastIndex(where: { $0 != slash }) else {
            return FileLocation(
                directory: try self.open(.root, Self.place), name: .current, needsDirectory: true)
        }
        let whole = bytes[...lastIndex]
        let nameStart = whole.lastIndex(of: slash).map { $0 + 1 } ?? whole.startIndex
        let parent = nameStart == whole.startIndex ? RawPath.current : try RawPath(whole[..<nameStart])
        return FileLocation(
            directory: try self.open(parent, Self.place), name: try RawPath(whole[nameStart...]),
            needsDirectory: path.endsWithSlash)
    }

    // MARK: Step by step

    /// A directory as a place to go on from.
    private static let place: OpenFlags = [.pathOnly, .directory]

    private static func openRoot() throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.open(.root, Self.place)
    }

    /// Follows `path` one name at a time, each from the descriptor of the directory before it.
    private func walk(
        _ path: RawPath, from start: consuming OwnedDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> OwnedDescriptor {
        var current = start
        var names = try Self.names(of: path)
        var followed = 0
        while let name = names.popLast() {
            let isLast = names.isEmpty
            if isLast, flags.contains(.noFollow) || name == .current || name == .parent {
                return try self.openLast(name, in: current, flags, mode: mode)
            }
            let entry: OwnedDescriptor
            do {
                entry = try current.open(name, [.pathOnly, .noFollow])
            } catch  where error == .noSuchFileOrDirectory && isLast && flags.contains(.create) {
                return try self.openLast(name, in: current, flags, mode: mode)
            }
            let status = try entry.status()
            guard status.kind == .symbolicLink else {
                guard isLast else {
                    current = entry
                    continue
                }
                do {
                    return try self.openLast(name, in: current, flags, mode: mode)
                } catch  where error == .tooManySymbolicLinkLevels && followed < Self.linkLimit {
                    // It has become a link just now.
                    followed += 1
                    names.append(name)
                    continue
                }
            }
            followed += 1
            guard followed <= Self.linkLimit else { throw .tooManySymbolicLinkLevels }
            let target = try self.target(of: entry, status)
            if target.isAbsolute { current = try Self.openRoot() }
            names.append(contentsOf: try Self.names(of: target))
            guard names.count <= Self.nameLimit else { throw .fileNameTooLong }
        }
        return try self.openLast(.current, in: current, flags, mode: mode)
    }

    /// The names of a path, the last one first. A slash at its end means the directory: the name `.`.
    private static func names(of path: RawPath) throws(Errno) -> [RawPath] {
        guard path.bytes.count <= Self.pathLimit else { throw .fileNameTooLong }
        var names: [RawPath] = []
        if path.endsWithSlash { names.append(.current) }
        for component in path.components.reversed() { names.append(try RawPath(component)) }
        return names
    }

    /// Where a link leads that may be followed.
    private func target(
        of link: borrowing OwnedDescriptor, _ status: FileStatus
    ) throws(Errno) -> RawPath {
        // A second name can be planted by others than the owner.
        guard self.links == .all || (status.uid == 0 && status.links == 1) else {
            throw .tooManySymbolicLinkLevels
        }
        let target = try link.linkTarget()
        guard !target.isEmpty else { throw .noSuchFileOrDirectory }
        // In /proc, ordinary links are relative; those to objects, like cwd and root, show absolute paths.
        if target.isAbsolute, try link.fileSystemStatus().type == Self.procFileSystem {
            throw .tooManySymbolicLinkLevels
        }
        return target
    }

    /// `PROC_SUPER_MAGIC`; linux/magic.h.
    private static let procFileSystem: Int64 = 0x9fa0

    /// Opens the end of the way, which is not a link.
    private func openLast(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, _ flags: OpenFlags, mode: UInt32
    ) throws(Errno) -> OwnedDescriptor {
        let flags = flags.union(.noFollow)
        guard self.links == .ofRoot else { return try directory.open(name, flags, mode: mode) }
        let file = try directory.open(name, flags.subtracting(.truncate), mode: mode)
        let status = try file.status()
        // A name that others gave to a file of root's must not open it to them.
        if status.kind == .regular, status.links > 1 {
            let place = try directory.status()
            guard place.uid == 0, place.permissions & 0o022 == 0 else { throw .permissionDenied }
        }
        if flags.contains(.truncate), status.kind == .regular { try file.setSize(0) }
        return file
    }
}
