import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Clone`: makes a repository from another one.
    ///
    /// - Throws: `ConnectError`; what was made is then removed, and nothing else.
    @Sendable func clone(
        _ request: Envd_V1_GitCloneRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_GitCloneResponse>
    ) async throws {
        let operation = try CloneOperation(request, base: try await self.session(context, path: ""))
        let executor = self.executor
        try await self.stream(to: responses, { progress in .with { $0.progress = progress } }) { progress in
            let result = try await operation.run(executor, progress)
            return .with { $0.result = result }
        }
    }
}
