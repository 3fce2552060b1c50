import Connect
import EnvdAPI
import SandboxContext

extension FileTools {
    /// `envd.v1.FileTools/Edit`: replaces pieces of a file's text.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no file, `failedPrecondition` if a text is not in it or too
    ///   often, `aborted` if the file is not what was expected.
    @Sendable func edit(
        _ request: Envd_V1_EditRequest, _ context: RPCContext
    ) async throws -> Envd_V1_EditResponse {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        return try await self.perform(as: account) { resolver throws(ToolFailure) in
            try FileEdit(request, path).apply(resolver, self.commits)
        }
    }
}
