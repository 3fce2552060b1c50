import LinuxSystem
import Synchronization

/// The files that uploads are writing to now, so that one that fails does not take away what another one wrote.
final class ActiveUploads: Sendable {
    private struct Use {
        var uploads: Int
        /// More than one upload has written to it.
        var isShared = false
    }

    private let uses = Mutex<[FileStatus.Identity: Use]>([:])

    /// An upload begins to write to a file.
    func begin(_ file: FileStatus.Identity) {
        self.uses.withLock { uses in
            if uses[file]?.uploads == nil {
                uses[file] = Use(uploads: 1)
            } else {
                uses[file]?.uploads += 1
                uses[file]?.isShared = true
            }
        }
    }

    /// The upload does not write any more.
    ///
    /// - Returns: whether it was the only one.
    @discardableResult
    func end(_ file: FileStatus.Identity) -> Bool {
        self.uses.withLock { uses in
            guard var use = uses[file] else { return false }
            use.uploads -= 1
            uses[file] = use.uploads > 0 ? use : nil
            return !use.isShared
        }
    }
}
