import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SwiftProtobuf
import SystemPackage

extension FilesystemService {
    /// `filesystem.Filesystem/Move`: gives an entry another path, and makes the missing directories above that.
    ///
    /// A file that has the path is replaced as one step; a directory is not replaced. To another file system, the
    /// entry is copied, gets its path when the copy is complete, and is removed then.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such entry; `invalidArgument` without a source, which elsewhere
    ///   means the home.
    @Sendable func move(
        _ request: Filesystem_MoveRequest, _ context: RPCContext
    ) async throws -> Filesystem_MoveResponse {
        let account = try await self.callers.caller(of: context).account
        guard !request.source.isEmpty else { throw ConnectError(.invalidArgument, "source is missing") }
        let move = Move(
            source: try self.resolve(request.source, for: account),
            destination: try self.resolve(request.destination, for: account))
        let done = try await self.perform(as: account) { resolver throws(FilesystemFailure) in
            try self.move(move, for: account, resolver)
        }
        if let copied = done.copied {
            try await self.perform(as: account) { resolver throws(FilesystemFailure) in
                try Self.removeSource(of: move, copied, resolver)
            }
        }
        await self.settleWatchers()
        return .with { $0.entry = done.entry }
    }

    private struct Move: Sendable {
        var source: String
        var destination: String

        func failure(_ errno: Errno) -> FilesystemFailure {
            let call = "rename \(self.source) \(self.destination)"
            guard errno == .noSuchFileOrDirectory else {
                return .unexpected("error renaming: \(call)", errno)
            }
            return FilesystemFailure(
                .notFound, "source file not found: \(call): \(errno.lowercasedDescription)", errno)
        }
    }

    /// The entry at its new path; if it is a copy, what it was copied from.
    private typealias Done = (entry: Filesystem_EntryInfo, copied: FileStatus.Identity?)

    private func move(
        _ move: Move, for account: Account, _ resolver: FileResolver
    ) throws(FilesystemFailure) -> Done {
        // What is made here stays, whatever happens then. A path with a slash at its end is a directory's, as the
        // reference has it.
        let path = move.destination
        let parent = path.ends(with: "/") ? path : String(SandboxPath.parent(of: path))
        let isInRoot = parent.utf8.allSatisfy { $0 == UInt8(ascii: "/") }
        if !isInRoot { _ = try Self.ensureDirectory(SandboxPath.clean(parent), for: account, resolver) }
        let destination = try Self.location(of: move.destination, resolver, move.failure)
        let source = try Self.location(of: move.source, resolver, move.failure)
        let copied: FileStatus.Identity?
        do throws(Errno) {
            copied = try Self.rename(
                source, destination, isSamePath: move.source.hasBytes(of: move.destination), resolver)
        } catch {
            throw move.failure(error)
        }
        let entry = try self.entry(
            at: move.destination, destination.name, in: destination.directory, resolver)
        return (entry, copied)
    }

    private static func rename(
        _ source: borrowing FileLocation, _ destination: borrowing FileLocation, isSamePath: Bool,
        _ resolver: FileResolver
    ) throws(Errno) -> FileStatus.Identity? {
        let status = try source.directory.status(of: source.name)
        if let replaced = try? destination.directory.status(of: destination.name),
            replaced.kind == .directory,
            isSamePath || replaced.identity != status.identity
        {
            throw .fileExists
        }
        if source.needsDirectory || destination.needsDirectory, status.kind != .directory {
            throw .notDirectory
        }
        do {
            try source.directory.rename(source.name, to: destination.directory, destination.name)
            return nil
        } catch  where error == .improperLink {
            try Self.checkHoldsNoMount(source, status)
            return try Self.copy(source, destination, resolver)
        }
    }

    // MARK: To another file system

    /// What is mounted somewhere cannot be moved away, and is not copied.
    private static func checkHoldsNoMount(
        _ source: borrowing FileLocation, _ status: FileStatus
    ) throws(Errno) {
        guard !status.isMountRoot else { throw .resourceBusy }
        guard status.kind == .directory, let directory = source.directory.currentPath() else { return }
        guard try MountTable.current().below(directory.appending(source.name)).isEmpty else {
            throw .resourceBusy
        }
    }

    private static func copy(
        _ source: borrowing FileLocation, _ destination: borrowing FileLocation, _ resolver: FileResolver
    ) throws(Errno) -> FileStatus.Identity {
        guard resolver.links == .ofRoot else { return try Self.copyNow(source, destination) }
        // Nothing of it is to be the account's before it is known to be.
        let root = Credentials(uid: 0, gid: 0, groups: [])
        return try ThreadIdentity.acting(as: root, powers: .own, failure: { $0 }) { () throws(Errno) in
            try Self.copyNow(source, destination)
        }
    }

    private static func copyNow(
        _ source: borrowing FileLocation, _ destination: borrowing FileLocation
    ) throws(Errno) -> FileStatus.Identity {
        let temporary = try TemporaryName.make("move")
        do {
            let copied = try TreeCopy.copy(
                source.name, in: source.directory, to: destination.directory, temporary)
            try destination.directory.rename(temporary, to: destination.directory, destination.name)
            return copied.identity
        } catch {
            // That is why it failed, whatever becomes of what is left.
            _ = try? TreeRemoval.remove(temporary, in: destination.directory)
            throw error
        }
    }

    /// Removes what was copied, unless another entry has its name by now.
    private static func removeSource(
        of move: Move, _ copied: FileStatus.Identity, _ resolver: FileResolver
    ) throws(FilesystemFailure) {
        do throws(FilesystemFailure) {
            let source = try Self.location(of: move.source, resolver, move.failure)
            guard let status = try? source.directory.status(of: source.name), status.identity == copied else {
                return
            }
            do throws(TreeRemoval.Failure) {
                try TreeRemoval.remove(source.name, in: source.directory)
            } catch {
                throw move.failure(error.errno)
            }
        } catch  where error.errno == .noSuchFileOrDirectory {
            // It is gone already.
        }
    }
}
