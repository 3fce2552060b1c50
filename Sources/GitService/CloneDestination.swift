internal import Glibc
import LinuxIO

/// What is where a clone is to be made, before it is.
enum CloneDestination: Sendable {
    case missing
    case emptyDirectory
    /// git refuses to clone there.
    case occupied

    /// Looks at `path`.
    static func look(at path: String, pool: BlockingPool) async -> CloneDestination {
        await pool.run { () -> CloneDestination in
            guard let directory = opendir(path) else { return errno == ENOENT ? .missing : .occupied }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let isOther = withUnsafeBytes(of: entry.pointee.d_name) { name in
                    !name.starts(with: ".\0".utf8) && !name.starts(with: "..\0".utf8)
                }
                if isOther { return .occupied }
            }
            return .emptyDirectory
        }
    }
}
