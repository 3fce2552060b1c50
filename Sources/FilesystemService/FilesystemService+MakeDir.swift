import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SwiftProtobuf
import SystemPackage

extension FilesystemService {
    /// `filesystem.Filesystem/MakeDir`: makes a directory and the missing ones above it.
    ///
    /// - Throws: `ConnectError`: `alreadyExists` if it exists, `invalidArgument` if something else has the name.
    @Sendable func makeDir(
        _ request: Filesystem_MakeDirRequest, _ context: RPCContext
    ) async throws -> Filesystem_MakeDirResponse {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let entry = try await self.perform(as: account) { resolver throws(FilesystemFailure) in
            try Self.checkIsMissing(path, resolver)
            let directory = try Self.ensureDirectory(path, for: account, resolver)
            return try self.entry(at: path, .empty, in: directory, resolver)
        }
        await self.settleWatchers()
        return .with { $0.entry = entry }
    }

    private static func checkIsMissing(
        _ path: String, _ resolver: FileResolver
    ) throws(FilesystemFailure) {
        let kind: FileStatus.Kind
        do {
            kind = try resolver.open(try RawPath(path), .pathOnly).status().kind
        } catch  where error == .noSuchFileOrDirectory {
            return
        } catch {
            throw .unexpected("error getting file info: stat \(path)", error)
        }
        guard kind != .directory else {
            throw FilesystemFailure(.alreadyExists, "directory already exists: \(path)")
        }
        throw FilesystemFailure(
            .invalidArgument, "path already exists but it is not a directory: \(path)")
    }
}
