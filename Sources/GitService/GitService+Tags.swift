import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// `envd.v1.Git/Tags`: the tags, by name.
    @Sendable func tags(
        _ request: Envd_V1_GitTagsRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitTagsResponse> {
        let session = try await self.session(context, path: request.path)
        let output = try await session.run(session.query("for-each-ref", TagList.format, "refs/tags"))
        return try await session.response(context) {
            .with { $0.tags = TagList.parse(output.standardOutput) }
        }
    }

    /// `envd.v1.Git/CreateTag`: makes a tag.
    ///
    /// - Throws: `ConnectError` with `alreadyExists` for a name that is taken, unless forced.
    @Sendable func createTag(
        _ request: Envd_V1_GitCreateTagRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitCreateTagResponse {
        let session = try await self.session(context, path: request.path)
        var command = session.command("tag")
        if request.force { command.arguments.append("--force") }
        if !request.message.isEmpty {
            command.arguments += ["--annotate", "--cleanup=whitespace", "--file=-"]
            command.input = Array(try ArgumentCheck.message(request.message).utf8)
        }
        command.operands = [try ArgumentCheck.name(request.name, "name")]
        let target = try ArgumentCheck.optionalName(request.target, "target")
        if !target.isEmpty { command.operands.append(target) }
        try await session.run(command)
        return Envd_V1_GitCreateTagResponse()
    }

    /// `envd.v1.Git/DeleteTag`: deletes a tag.
    @Sendable func deleteTag(
        _ request: Envd_V1_GitDeleteTagRequest, _ context: RPCContext
    ) async throws -> Envd_V1_GitDeleteTagResponse {
        let session = try await self.session(context, path: request.path)
        let name = try ArgumentCheck.name(request.name, "name")
        let known = try await session.attempt(
            session.query("rev-parse", "--verify", "--quiet", "refs/tags/\(name)"))
        var command = session.command("tag", "--delete")
        command.operands = [name]
        try await session.run(command)
        return .with { $0.object = known.line }
    }
}
