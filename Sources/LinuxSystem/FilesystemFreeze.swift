internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// Holding back all writes to a file system, so that its image can be copied.
///
/// - SeeAlso: fsfreeze(8).
package enum FilesystemFreeze {
    /// The step that failed.
    package enum Step: String, Sendable {
        case open
        case freeze = "FIFREEZE"
        case thaw = "FITHAW"
    }

    /// Why it failed.
    package struct Failure: Error {
        package var step: Step
        package var error: Errno
    }

    /// Freezes or thaws the file system that `path` is on. One that is in that state already is left in it.
    ///
    /// Freezing waits until what is dirty has been written.
    package static func set(_ isFrozen: Bool, at path: String) throws(Failure) {
        let descriptor: OwnedDescriptor
        do {
            descriptor = try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw Failure(step: .open, error: error)
        }
        if isFrozen {
            let code = clinux_filesystem_freeze(descriptor.rawValue)
            if code != 0, code != EBUSY { throw Failure(step: .freeze, error: Errno(rawValue: code)) }
        } else {
            let code = clinux_filesystem_thaw(descriptor.rawValue)
            if code != 0, code != EINVAL { throw Failure(step: .thaw, error: Errno(rawValue: code)) }
        }
    }
}
