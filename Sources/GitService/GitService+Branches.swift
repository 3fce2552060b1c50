import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Branches`: the branches, and which one is checked out.
    @Sendable func branches(
        _ request: Envd_V1_GitBranchesRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitBranchesResponse> {
        let session = try await self.session(context, path: request.path)
        var query = session.query("for-each-ref", BranchList.format, "refs/heads")
        if request.remotes { query.arguments.append("refs/remotes") }
        async let current = session.currentBranch()
        let output = try await session.run(query)
        let branch = try await current
        return try await session.response(context) {
            .with {
                $0.branches = BranchList.parse(output.standardOutput)
                $0.currentBranch = branch ?? ""
                $0.detached = branch == nil
            }
        }
    }

    /// `envd.v1.Git/CreateBranch`: makes a branch, and checks it out.
    @Sendable func createBranch(
        _ request: Envd_V1_GitCreateBranchRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitCreateBranchResponse {
        let session = try await self.session(context, path: request.path)
        let branch = try ArgumentCheck.name(request.branch, "branch")
        let start = try ArgumentCheck.optionalName(request.startPoint, "start_point")
        var command: GitCommand
        if request.noCheckout {
            command = session.command("branch")
            command.operands = [branch] + (start.isEmpty ? [] : [start])
        } else {
            command = session.command("checkout", "--quiet", "-b", branch)
            if !start.isEmpty { command.arguments.append(start) }
            command.endsRevisions = true
        }
        try command.obey(request.policy)
        try await session.run(command)
        return Envd_V1_GitCreateBranchResponse()
    }

    /// `envd.v1.Git/CheckoutBranch`: checks a branch or commit out.
    @Sendable func checkoutBranch(
        _ request: Envd_V1_GitCheckoutBranchRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitCheckoutBranchResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("checkout", "--quiet")
        try command.obey(request.policy)
        if request.detach { command.arguments.append("--detach") }
        if request.force { command.arguments.append("--force") }
        command.arguments.append(try ArgumentCheck.name(request.branch, "branch"))
        command.endsRevisions = true
        try await session.run(command)
        let commit = try await session.commit() ?? ""
        return .with { $0.commit = commit }
    }

    /// `envd.v1.Git/DeleteBranch`: deletes a branch.
    ///
    /// - Throws: `ConnectError` with `failedPrecondition` if no other branch has its commits, unless forced.
    @Sendable func deleteBranch(
        _ request: Envd_V1_GitDeleteBranchRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitDeleteBranchResponse {
        let session = try await self.session(context, path: request.path)
        let branch = try ArgumentCheck.name(request.branch, "branch")
        let commit = try await session.commit("refs/heads/\(branch)") ?? ""
        var command = session.command("branch", "--quiet", request.force ? "-D" : "-d")
        command.operands = [branch]
        try await session.run(command)
        return .with { $0.commit = commit }
    }
}
