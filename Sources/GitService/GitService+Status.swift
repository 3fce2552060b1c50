import Connect
import EnvdAPI
import LinuxIO

extension GitService {
    /// `envd.v1.Git/Status`: the branch, and every file that differs.
    @Sendable func status(
        _ request: Envd_V1_GitStatusRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitStatusResponse> {
        let session = try await self.session(context, path: request.path)
        let untracked =
            switch request.untracked {
            case .none: "no"
            case .all: "all"
            case .unspecified, .UNRECOGNIZED: "normal"
            }
        var query = session.query(
            "status", "--porcelain=v2", "--branch", "-z", "--ahead-behind", "--find-renames",
            "--untracked-files=\(untracked)")
        if request.ignored { query.arguments.append("--ignored") }
        let status = try await session.status(query)
        return try await session.response(context) { status }
    }
}

extension GitSession {
    /// What `query` tells, in the form that ``StatusReport`` reads.
    func status(_ query: GitCommand) async throws(ConnectError) -> Envd_V1_GitStatusResponse {
        let output = try await self.run(query)
        let report = await self.runner.pool.run { StatusReport.parse(output.standardOutput) }
        guard var status = report else {
            throw ConnectError(.internalError, "git status answers in an unknown form")
        }
        // A branch may be called what stands there if there is none.
        if status.detached, try await self.currentBranch() == StatusReport.detachedHead {
            status.detached = false
            status.currentBranch = StatusReport.detachedHead
        }
        return status
    }
}
