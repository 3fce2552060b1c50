package import LinuxSystem
import SystemPackage

extension FileResolver {
    /// Permissions of directories that are made, before the umask.
    private static let directoryMode: UInt32 = 0o755

    /// Opens the directory at an absolute path, and makes it and the missing ones above it.
    ///
    /// What exists stays as it is. `..` goes up by text alone, but for a name at the end of the path.
    ///
    /// - Parameter account: whom those belong to that are made.
    /// - Returns: the directory, opened with ``OpenFlags/pathOnly``.
    package func ensureDirectory(
        _ path: String, for account: Account
    ) throws(DirectoryFailure) -> OwnedDescriptor {
        if let existing = try? self.open(try RawPath(path), [.pathOnly, .directory]) { return existing }
        var above = ""
        var directory: OwnedDescriptor
        do {
            directory = try self.open(.root, [.pathOnly, .directory])
        } catch {
            throw Self.failure("stat", "stat /", error)
        }
        let names = SandboxPath.clean(path).parts(between: "/")
        for name in names.dropLast() {
            above += "/\(name)"
            directory = try self.ensure(name, in: directory, at: above, for: account)
        }
        guard let last = names.last else { return directory }
        // The name at the end is taken as it is given.
        guard !path.parts(between: "/").contains("..") else {
            return try self.ensureLast(path, for: account)
        }
        return try self.ensure(last, in: directory, at: path, for: account)
    }

    /// The end of a path that goes up on its way.
    private func ensureLast(
        _ path: String, for account: Account
    ) throws(DirectoryFailure) -> OwnedDescriptor {
        let location: FileLocation
        do {
            location = try self.location(of: try RawPath(path))
        } catch  where error == .noSuchFileOrDirectory {
            throw Self.failure("create", "mkdir \(path)", error)
        } catch {
            throw Self.failure("stat", "stat \(path)", error)
        }
        return try self.ensure(location.name, in: location.directory, at: path, for: account)
    }

    private func ensure(
        _ name: Substring, in directory: borrowing OwnedDescriptor, at path: String, for account: Account
    ) throws(DirectoryFailure) -> OwnedDescriptor {
        let raw: RawPath
        do {
            raw = try RawPath(name.utf8)
        } catch {
            throw Self.failure("stat", "stat \(path)", error)
        }
        return try self.ensure(raw, in: directory, at: path, for: account)
    }

    private func ensure(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, at path: String, for account: Account
    ) throws(DirectoryFailure) -> OwnedDescriptor {
        do {
            return try self.open(name, in: directory, [.pathOnly, .directory])
        } catch  where error == .notDirectory {
            throw DirectoryFailure(error, "path is a file: \(path)")
        } catch  where error != .noSuchFileOrDirectory {
            throw Self.failure("stat", "stat \(path)", error)
        } catch {
            return try self.make(name, in: directory, at: path, for: account)
        }
    }

    private func make(
        _ name: RawPath, in directory: borrowing OwnedDescriptor, at path: String, for account: Account
    ) throws(DirectoryFailure) -> OwnedDescriptor {
        do {
            try directory.makeDirectory(name, mode: Self.directoryMode)
        } catch  where error == .fileExists {
            // Somebody was faster, or it is a link to nowhere.
            do {
                return try self.open(name, in: directory, [.pathOnly, .directory])
            } catch {
                throw Self.failure("chown", "chown \(path)", error)
            }
        } catch {
            throw Self.failure("create", "mkdir \(path)", error)
        }
        do {
            let made = try directory.open(name, [.pathOnly, .directory, .noFollow])
            // It is the account's already, but for the group in a set-group-ID directory. Should another one have
            // its name by now, that is none of ours.
            if try made.status().uid == account.uid {
                try made.setOwner(uid: account.uid, gid: account.gid)
            }
            return made
        } catch {
            throw Self.failure("chown", "chown \(path)", error)
        }
    }

    private static func failure(_ verb: String, _ call: String, _ errno: Errno) -> DirectoryFailure {
        DirectoryFailure(errno, "failed to \(verb) directory: \(call): \(errno.lowercasedDescription)")
    }
}
