import LinuxSystem
import NIOHTTP1
import SandboxContext
import SystemPackage

/// Makes the directories above a file.
enum AncestorDirectories {
    /// Permissions of new directories, before the umask.
    private static let mode: UInt32 = 0o755

    /// Makes those that are not there, for `account`; the others stay as they are.
    ///
    /// - Returns: whether all of them were there.
    /// - Throws: ``TransferFailure`` with 500 if that cannot be done, or if one of them is a file.
    static func make(
        of path: TargetPath, for account: Account, _ resolver: FileResolver
    ) throws(TransferFailure) -> Bool {
        let ancestors = path.ancestors
        // Mostly all of them are there.
        guard let parent = ancestors.last, (try? Self.isDirectory(parent, resolver)) != true else {
            return true
        }
        for ancestor in ancestors {
            let text = String(decoding: ancestor, as: UTF8.self)
            let isDirectory = try Self.trying("failed to stat directory: stat \(text)") { () throws(Errno) in
                try Self.isDirectory(ancestor, resolver)
            }
            switch isDirectory {
            case true?: continue
            case false?: throw Self.failure("path is a file: \(text)", .notDirectory)
            case nil: try Self.make(ancestor, text, account, resolver)
            }
        }
        return false
    }

    /// Whether what is at `path` is a directory; nil if there is nothing.
    private static func isDirectory(_ path: [UInt8], _ resolver: FileResolver) throws(Errno) -> Bool? {
        do throws(Errno) {
            return try resolver.open(RawPath(path), .pathOnly).status().kind == .directory
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    private static func make(
        _ path: [UInt8], _ text: String, _ account: Account, _ resolver: FileResolver
    ) throws(TransferFailure) {
        let place = try Self.trying("failed to create directory: mkdir \(text)") { () throws(Errno) in
            try resolver.location(of: RawPath(path))
        }
        do throws(Errno) {
            try place.directory.makeDirectory(place.name, mode: Self.mode)
        } catch {
            // Another upload may have made it just now.
            if error == .fileExists { return }
            throw Self.failure(
                "failed to create directory: mkdir \(text): \(error.lowercasedDescription)", error)
        }
        try Self.trying("failed to chown directory: chown \(text)") { () throws(Errno) in
            let made = try place.directory.open(place.name, [.pathOnly, .directory, .noFollow])
            // It is the account's already, but for the group in a set-group-ID directory. Should another one have its
            // name by now, that is none of ours.
            guard try made.status().uid == account.uid else { return }
            try made.setOwner(uid: account.uid, gid: account.gid)
        }
    }

    private static func failure(_ reason: String, _ errno: Errno) -> TransferFailure {
        TransferFailure(.internalServerError, "error ensuring directories: \(reason)", errno: errno)
    }

    private static func trying<Success: ~Copyable>(
        _ operation: String, _ body: () throws(Errno) -> Success
    ) throws(TransferFailure) -> Success {
        do throws(Errno) {
            return try body()
        } catch {
            throw Self.failure("\(operation): \(error.lowercasedDescription)", error)
        }
    }
}
