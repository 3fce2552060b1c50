import LinuxSystem
import SandboxContext
import SystemPackage

/// Goes through a directory and those inside it, depth first, in bytewise order of the names, from one entry to the
/// next.
///
/// A directory is opened from the one above it, and no link is followed. After an error, it stands where it stood
/// before and can go on as somebody else.
final class DirectoryWalk {
    /// Where an entry was found.
    struct Step {
        let facts: EntryFacts
        let name: ArraySlice<UInt8>
        /// The path of its directory, from the first one: empty, or names that are each followed by a slash.
        let above: [UInt8]
    }

    /// What could not be looked at, and why.
    struct Failure: Error {
        var errno: Errno
        /// The system call's name.
        var call: String
        /// The entry's path, from the first directory.
        var path: [UInt8]
    }

    /// A directory whose entries are being gone through.
    private final class Level {
        let directory: OwnedDescriptor
        let names: NameList
        let path: [UInt8]
        /// Of the next entry.
        var position: Int
        /// The entry before the next one, if it is a directory that is gone through next.
        var entered: Int?

        init(_ directory: consuming OwnedDescriptor, _ names: NameList, path: [UInt8], position: Int) {
            self.directory = directory
            self.names = names
            self.path = path
            self.position = position
        }
    }

    /// Directories inside each other: more do not fit into a path of 4,096 bytes, which is the most that the kernel
    /// takes.
    private static let levelLimit = 2048

    private let depth: Int
    private var levels: [Level] = []
    /// The names of the entry behind which the walk begins, as far as they are not used yet.
    private var skipped: ArraySlice<ArraySlice<UInt8>>

    /// A walk through `directory`, which must be open for reading.
    ///
    /// - Parameters:
    ///   - depth: Levels of entries, at least 1.
    ///   - last: The path of the entry behind which it begins, from `directory`; empty for the first one.
    init(
        _ directory: consuming OwnedDescriptor, depth: Int, behind last: [UInt8] = []
    ) throws(Errno) {
        self.depth = depth
        self.skipped = last.split(separator: UInt8(ascii: "/"))[...]
        try self.enter(directory, path: [])
    }

    /// The next entry, nil at the end. What vanishes is left out.
    ///
    /// - Throws: ``Failure``: `permissionDenied` also for what another attempt may see.
    func next(_ resolver: FileResolver) throws(Failure) -> Step? {
        while let level = self.levels.last {
            if let entered = level.entered {
                try self.enter(entered, of: level)
                continue
            }
            guard level.position < level.names.count else {
                self.levels.removeLast()
                continue
            }
            let name = level.names[level.position]
            let facts: EntryFacts
            do {
                facts = try EntryFacts(of: try RawPath(name), in: level.directory, resolver)
            } catch  where error == .noSuchFileOrDirectory {
                level.position += 1
                continue
            } catch {
                throw Self.failure("lstat", level, name, error)
            }
            if facts.status.kind == .directory, self.levels.count < self.depth {
                level.entered = level.position
            }
            level.position += 1
            return Step(facts: facts, name: name, above: level.path)
        }
        return nil
    }

    private static func failure(
        _ call: String, _ level: Level, _ name: ArraySlice<UInt8>, _ errno: Errno
    ) -> Failure {
        Failure(errno: errno, call: call, path: level.path + name)
    }

    /// Goes on with the entries of a directory, unless it has vanished or is none any more.
    private func enter(_ position: Int, of level: Level) throws(Failure) {
        let name = level.names[position]
        do throws(Errno) {
            guard self.levels.count < Self.levelLimit else { throw .fileNameTooLong }
            let directory = try level.directory.open(
                try RawPath(name), [.readOnly, .directory, .noFollow])
            try self.enter(directory, path: level.path + name + [UInt8(ascii: "/")])
        } catch  where error == .noSuchFileOrDirectory || error == .notDirectory {
        } catch {
            throw Self.failure("open", level, name, error)
        }
        level.entered = nil
    }

    private func enter(_ directory: consuming OwnedDescriptor, path: [UInt8]) throws(Errno) {
        var names = try NameList(of: directory)
        names.sort()
        let level = Level(directory, names, path: path, position: 0)
        if let name = self.skipped.first {
            level.position = names.position(of: name)
            if level.position < names.count, names[level.position] == name {
                // It has been told, but not what is in it.
                if self.levels.count + 1 < self.depth { level.entered = level.position }
                level.position += 1
                self.skipped = self.skipped.dropFirst()
            } else {
                self.skipped = []
            }
        }
        self.levels.append(level)
    }
}
