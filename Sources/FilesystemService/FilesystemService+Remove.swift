import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SystemPackage

extension FilesystemService {
    /// `filesystem.Filesystem/Remove`: removes an entry with all that is in it. A missing one is success.
    ///
    /// Nothing is removed of the root directory, of a mounted file system, or of a directory with one below it.
    ///
    /// - Throws: `ConnectError`: `internalError` for what cannot be removed; `invalidArgument` without a path, which
    ///   elsewhere means the home.
    @Sendable func remove(
        _ request: Filesystem_RemoveRequest, _ context: RPCContext
    ) async throws -> Filesystem_RemoveResponse {
        let account = try await self.callers.caller(of: context).account
        guard !request.path.isEmpty else { throw ConnectError(.invalidArgument, "path is missing") }
        let path = try self.resolve(request.path, for: account)
        try await self.perform(as: account) { resolver throws(FilesystemFailure) in
            try Self.remove(path, resolver)
        }
        return Filesystem_RemoveResponse()
    }

    private static func remove(_ path: String, _ resolver: FileResolver) throws(FilesystemFailure) {
        do throws(FilesystemFailure) {
            let location = try Self.location(of: path, resolver) { Self.removal("unlinkat \(path)", $0) }
            try Self.remove(location, at: path)
        } catch  where error.errno == .noSuchFileOrDirectory {
            // It is gone, which is what was asked for.
        }
    }

    private static func remove(
        _ location: borrowing FileLocation, at path: String
    ) throws(FilesystemFailure) {
        let isRoot = path.utf8.allSatisfy { $0 == UInt8(ascii: "/") }
        guard isRoot || (location.name != .current && location.name != .parent) else {
            throw Self.removal("RemoveAll \(path)", .invalidArgument)
        }
        if let busy = try Self.mounted(location, isRoot: isRoot, path) {
            throw Self.removal("unlinkat \(busy)", .resourceBusy)
        }
        do {
            try TreeRemoval.remove(location.name, in: location.directory)
        } catch {
            throw Self.removal("unlinkat \(SandboxPath.parent(of: path))\(error.path.text)", error.errno)
        }
    }

    private static func removal(_ call: String, _ errno: Errno) -> FilesystemFailure {
        .unexpected("error removing file or directory: \(call)", errno)
    }

    /// A place at or below `location` where a file system is mounted, if there is one.
    private static func mounted(
        _ location: borrowing FileLocation, isRoot: Bool, _ path: String
    ) throws(FilesystemFailure) -> String? {
        do {
            guard !isRoot else { return "/" }
            let status = try location.directory.status(of: location.name)
            guard !status.isMountRoot else { return path }
            guard status.kind == .directory, let directory = location.directory.currentPath() else {
                return nil
            }
            return try MountTable.current().below(directory.appending(location.name)).first?.text
        } catch {
            throw Self.removal("unlinkat \(path)", error)
        }
    }
}
