import LinuxSystem
import SystemPackage

/// Removes an entry with all that is in it, through descriptors: what is moved or exchanged meanwhile cannot lead it
/// out of the tree.
///
/// Few directories are open at a time, however deep the tree is. No link is followed, and no mounted file system is
/// entered.
final class TreeRemoval {
    /// Which entry could not be removed, and why.
    struct Failure: Error {
        var errno: Errno
        /// Relative to the directory that the removal began in.
        var path: RawPath
    }

    /// A directory on the way from the first one to the current one.
    private struct Level {
        var name: RawPath
        var identity: FileStatus.Identity
        /// What was in it when it was opened.
        var names: NameList
        /// Of the name that is removed next.
        var position = 0
        /// How often it was found not to be empty after all.
        var refills: Int
    }

    /// Levels below the first directory: no tree has so many but one that grows while it is removed.
    private static let depthLimit = 100_000
    /// How often a directory is emptied again: more often only if somebody goes on to fill it.
    private static let refillLimit = 8

    private var levels: [Level] = []
    /// The directory that the removal began in.
    private let start: OwnedDescriptor
    /// The last level's directory, open for reading.
    private var current: OwnedDescriptor
    /// The entry of the current directory that is being removed.
    private var entry: RawPath?

    /// Removes the entry `name` of `directory`, whatever it is. That it does not exist is success.
    ///
    /// - Throws: ``Failure``: `resourceBusy` for what is mounted.
    static func remove(_ name: RawPath, in directory: borrowing OwnedDescriptor) throws(Failure) {
        do throws(Errno) {
            guard try !Self.removeFile(name, in: directory) else { return }
        } catch {
            throw Failure(errno: error, path: name)
        }
        let removal: TreeRemoval
        do throws(Errno) {
            removal = try TreeRemoval(from: directory)
        } catch {
            throw Failure(errno: error, path: name)
        }
        do throws(Errno) {
            try removal.run(name)
        } catch {
            throw Failure(errno: error, path: removal.place)
        }
    }

    private init(from directory: borrowing OwnedDescriptor) throws(Errno) {
        self.start = try directory.open(.current, [.pathOnly, .directory])
        self.current = try directory.open(.current, [.pathOnly, .directory])
    }

    /// Where it is, from the directory that it began in.
    private var place: RawPath {
        let names = self.levels.map(\.name) + (self.entry.map { [$0] } ?? [])
        // None of them contains a NUL.
        return (try? RawPath(Array(names.map(\.bytes).joined(separator: [UInt8(ascii: "/")])))) ?? .empty
    }

    private func run(_ name: RawPath) throws(Errno) {
        try self.enter(name)
        while let last = self.levels.indices.last {
            let position = self.levels[last].position
            guard position < self.levels[last].names.count else {
                try self.leave()
                continue
            }
            self.levels[last].position += 1
            let name = try RawPath(self.levels[last].names[position])
            self.entry = name
            if try !Self.removeFile(name, in: self.current) { try self.enter(name) }
        }
    }

    /// Goes down into a directory, unless it is gone.
    private func enter(_ name: RawPath, refills: Int = 0) throws(Errno) {
        self.entry = name
        let directory: OwnedDescriptor
        do {
            directory = try self.current.open(name, [.readOnly, .directory, .noFollow])
        } catch  where error == .noSuchFileOrDirectory {
            return
        } catch  where error == .notDirectory {
            // It has become something else meanwhile.
            _ = try Self.removeFile(name, in: self.current)
            return
        }
        let status = try directory.status()
        guard !status.isMountRoot else { throw .resourceBusy }
        guard self.levels.count < Self.depthLimit else { throw .fileNameTooLong }
        let names = try NameList(ofWhatIsLeftOf: directory)
        self.levels.append(
            Level(name: name, identity: status.identity, names: names, refills: refills))
        self.current = directory
    }

    /// Goes up from an empty directory, and removes it.
    private func leave() throws(Errno) {
        self.entry = nil
        guard let level = self.levels.last else { return }
        if self.levels.count == 1 {
            self.current = try self.start.open(.current, [.pathOnly, .directory])
        } else {
            self.current = try self.current.open(.parent, [.pathOnly, .directory])
            // A directory that was moved away has another one above it, where nothing is to be removed.
            guard try self.current.status().identity == self.levels[self.levels.count - 2].identity else {
                throw .staleNFSFileHandle
            }
        }
        do {
            try self.current.removeDirectory(level.name)
        } catch  where error == .noSuchFileOrDirectory {
        } catch  where error == .directoryNotEmpty && level.refills < Self.refillLimit {
            self.levels.removeLast()
            try self.enter(level.name, refills: level.refills + 1)
            return
        }
        self.levels.removeLast()
    }

    /// Removes what is not a directory.
    ///
    /// - Returns: false for a directory, which is left.
    private static func removeFile(
        _ name: RawPath, in directory: borrowing OwnedDescriptor
    ) throws(Errno) -> Bool {
        do {
            try directory.remove(name)
        } catch  where error == .noSuchFileOrDirectory {
        } catch  where error == .isDirectory {
            return false
        }
        return true
    }
}
