internal import Glibc
package import SystemPackage

/// A cgroup v2 hierarchy, or the part of one below a directory. Groups are named by their paths below its root,
/// which is the empty path itself.
///
/// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst of the kernel.
package struct CgroupTree: Sendable {
    /// What came of a walk.
    package struct Walk: Sendable {
        /// Groups that were met, the root included.
        package var visited = 0
        /// There are more than the walk was allowed to visit.
        package var isTruncated = false
        /// What could not be listed or visited, and why. Groups that vanish meanwhile are no failures.
        package var failures: [(group: FilePath, error: Errno)] = []
    }

    /// Bytes of one read of a directory.
    private static let listingBytes = 32 << 10

    /// The root's place in the file system, without symbolic links.
    package let root: FilePath

    /// The hierarchy at `path`.
    ///
    /// - Throws: `Errno`: `notSupported` if `path` is not in a cgroup v2 hierarchy.
    package init(at path: String) throws(Errno) {
        guard let resolved = realpath(path, nil) else { throw Errno.current }
        defer { free(resolved) }
        let root = FilePath(platformString: resolved)
        // Every directory of a v2 hierarchy has this file, and none of a v1 hierarchy.
        let exists = root.appending("cgroup.controllers").withPlatformString { access($0, F_OK) == 0 }
        guard exists else { throw .notSupported }
        self.root = root
    }

    private func file(_ name: FilePath.Component, of group: FilePath) -> FilePath {
        self.root.appending(group.components).appending(name)
    }

    // MARK: Freezing

    /// Whether it was asked to freeze this very group, not one above it.
    package func isFreezeRequested(_ group: FilePath) throws(Errno) -> Bool {
        try CgroupFile.readOnce(self.file("cgroup.freeze", of: group)).first == "1"
    }

    /// Whether every process in a group and below it stands still.
    package func isFrozen(_ group: FilePath) throws(Errno) -> Bool {
        try CgroupFile.value(of: "frozen", in: self.file("cgroup.events", of: group)) == 1
    }

    /// Asks to freeze or to thaw a group and all below it.
    package func requestFreeze(_ isFrozen: Bool, _ group: FilePath) throws(Errno) {
        try CgroupFile.write(isFrozen ? "1" : "0", to: self.file("cgroup.freeze", of: group))
    }

    // MARK: Structure

    /// The processes in a group, without those in groups below it.
    package func processes(of group: FilePath) throws(Errno) -> [Int32] {
        try CgroupFile.read(self.file("cgroup.procs", of: group)).split(separator: "\n").compactMap {
            Int32($0)
        }
    }

    /// The groups directly below one, ordered by the bytes of their names.
    package func children(of group: FilePath) throws(Errno) -> [FilePath] {
        let path = self.root.appending(group.components)
        if try Self.isLeaf(path) { return [] }
        let directory = try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        var names: [FilePath.Component] = []
        try withUnsafeTemporaryAllocation(byteCount: Self.listingBytes, alignment: 8) {
            buffer throws(Errno) in
            while true {
                let count = try directory.readDirectory(into: buffer)
                if count == 0 { return }
                for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                where entry.isDirectory == true {
                    // The name is followed by its NUL.
                    guard let bytes = entry.name.baseAddress else { continue }
                    if let name = FilePath.Component(
                        platformString: bytes.assumingMemoryBound(to: CChar.self))
                    {
                        names.append(name)
                    }
                }
            }
        }
        return names.sorted(by: Self.precedes).map { group.appending($0) }
    }

    /// Whether a directory tells by its links that there is none below it: its own name and its `.`, and no `..`. Most
    /// groups are such, and need not be opened and listed.
    ///
    /// - SeeAlso: inode(7), `stx_nlink`.
    private static func isLeaf(_ path: FilePath) throws(Errno) -> Bool {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw Errno.current }
        return status.st_nlink == 2
    }

    private static func precedes(_ first: FilePath.Component, _ second: FilePath.Component) -> Bool {
        first.withPlatformString { first in second.withPlatformString { strcmp(first, $0) < 0 } }
    }

    /// Calls `visit` with every group, breadth first, after its children were listed.
    ///
    /// - Parameter limit: groups that are visited at most, the root included.
    package func walk(limit: Int, _ visit: (FilePath) throws(Errno) -> Void) -> Walk {
        var walk = Walk()
        var level: [FilePath] = [FilePath()]
        while !level.isEmpty {
            var next: [FilePath] = []
            for group in level {
                guard walk.visited < limit else {
                    walk.isTruncated = true
                    return walk
                }
                walk.visited += 1
                do throws(Errno) {
                    next += try self.children(of: group)
                } catch {
                    if error != .noSuchFileOrDirectory { walk.failures.append((group, error)) }
                }
                do throws(Errno) {
                    try visit(group)
                } catch {
                    if !Self.isGone(error) { walk.failures.append((group, error)) }
                }
            }
            level = next
        }
        return walk
    }

    /// Whether an error says that a group was removed: before its file was opened, or before it was used.
    package static func isGone(_ error: Errno) -> Bool {
        error == .noSuchFileOrDirectory || error.rawValue == ENODEV
    }
}
