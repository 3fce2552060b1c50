import Connect
import EnvdAPI
import SandboxContext
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/Stat`: describes an entry; of a link also what it leads to.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is none.
    @Sendable func stat(
        _ request: Filesystem_StatRequest, _ context: RPCContext
    ) async throws -> Filesystem_StatResponse {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let entry = try await self.perform(as: account) { resolver throws(FilesystemFailure) in
            try self.entry(at: path, resolver)
        }
        return .with { $0.entry = entry }
    }
}
