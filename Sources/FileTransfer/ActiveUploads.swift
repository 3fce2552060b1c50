import LinuxSystem
import Synchronization

/// The files that uploads are writing to now.
///
/// Several uploads may write to one file. What one of them has made goes if all of them fail, and only then.
final class ActiveUploads: Sendable {
    private struct Use {
        var uploads = 0
        /// The upload that has made the file.
        var maker: OpenedUpload?
        /// One of them has written all that it had.
        var isKept = false
    }

    private let uses = Mutex<[FileStatus.Identity: Use]>([:])

    /// An upload begins to write to a file.
    func begin(_ file: OpenedUpload) {
        self.uses.withLock { uses in
            uses[file.identity, default: Use()].uploads += 1
            if file.isNew { uses[file.identity]?.maker = file }
        }
    }

    /// An upload does not write any more.
    ///
    /// - Parameter isKept: Whether it has written all that it had.
    /// - Returns: the file, as its maker has it, if it has to go.
    func end(_ file: OpenedUpload, isKept: Bool) -> OpenedUpload? {
        self.uses.withLock { uses in
            guard var use = uses[file.identity] else { return nil }
            use.uploads -= 1
            use.isKept = use.isKept || isKept
            uses[file.identity] = use.uploads > 0 ? use : nil
            return use.uploads > 0 || use.isKept ? nil : use.maker
        }
    }
}
