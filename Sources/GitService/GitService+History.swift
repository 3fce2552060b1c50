import Connect
import EnvdAPI
import SwiftProtobuf

extension GitService {
    /// Commits of a log when nobody says how many.
    private static let usualCommits: UInt32 = 50

    /// `envd.v1.Git/Log`: commits, the newest first.
    @Sendable func log(
        _ request: Envd_V1_GitLogRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitLogResponse> {
        let session = try await self.session(context, path: request.path)
        let count = request.maxCount == 0 ? Self.usualCommits : request.maxCount
        guard count <= self.limits.commits else {
            throw ArgumentCheck.invalid("max_count is more than \(self.limits.commits)")
        }
        var query = session.commits(upTo: count)
        query.hasLiteralPaths = !request.patterns && !request.paths.isEmpty
        if request.skip > 0 { query.arguments.append("--skip=\(request.skip)") }
        if request.firstParent { query.arguments.append("--first-parent") }
        for (option, value) in [
            ("author", request.author), ("since", request.since), ("until", request.until),
        ] where !value.isEmpty {
            query.arguments.append("--\(option)=\(try ArgumentCheck.text(value, option))")
        }
        let revision = try ArgumentCheck.optionalName(request.revision, "revision")
        if !revision.isEmpty { query.arguments.append(revision) }
        query.operands = try request.paths.map { (path) throws(ConnectError) in
            try ArgumentCheck.text(path, "paths")
        }
        query.endsRevisions = true
        let output = try await session.attempt(query)
        guard output.isSuccess else {
            let error = try await session.error(query, output)
            // A branch without commits has none to tell.
            if revision.isEmpty, error.code == .notFound, try await session.commit() == nil {
                return try await session.response(context) { Envd_V1_GitLogResponse() }
            }
            throw error
        }
        return try await session.response(context) {
            .with { $0.commits = CommitList.parse(output.standardOutput) }
        }
    }

    /// `envd.v1.Git/Diff`: what differs, line by line.
    @Sendable func diff(
        _ request: Envd_V1_GitDiffRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitDiffResponse> {
        let session = try await self.session(context, path: request.path)
        guard request.to.isEmpty || !request.from.isEmpty, request.to.isEmpty || !request.staged else {
            throw ArgumentCheck.invalid("to needs from, and excludes staged")
        }
        var query = session.query("diff")
        query.hasLiteralPaths = !request.patterns && !request.paths.isEmpty
        query.settings += DiffReport.settings
        query.arguments += DiffReport.options
        query.arguments += Self.patch(
            hunks: !request.noHunks, context: request.hasContext ? request.context : nil)
        if request.ignoreWhitespace { query.arguments.append("--ignore-all-space") }
        if request.staged {
            query.arguments.append("--cached")
        } else if request.from.isEmpty {
            // Of conflicts, with our side: with both, the form is another one.
            query.arguments.append("--ours")
        }
        for (field, revision) in [("from", request.from), ("to", request.to)] where !revision.isEmpty {
            query.arguments.append(try ArgumentCheck.name(revision, field))
        }
        query.operands = try request.paths.map { (path) throws(ConnectError) in
            try ArgumentCheck.text(path, "paths")
        }
        query.endsRevisions = true
        // Outside of a repository, it would take names of commits for files.
        async let repository = session.run(session.query("rev-parse", "--git-dir"))
        async let answer = session.run(query)
        _ = try await repository
        let output = try await answer
        return try await session.response(context) { [query] () throws(ConnectError) in
            let files = try session.files(query, output)
            return .with { $0.files = files }
        }
    }

    /// `envd.v1.Git/Show`: a commit, and what it changed against its first parent.
    @Sendable func show(
        _ request: Envd_V1_GitShowRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Envd_V1_GitShowResponse> {
        let session = try await self.session(context, path: request.path)
        let revision = request.revision.isEmpty ? "HEAD" : request.revision
        var query = session.commits(upTo: 1)
        query.arguments += ["--no-walk", try ArgumentCheck.name(revision, "revision")]
        query.endsRevisions = true
        let commits = CommitList.parse(try await session.run(query).standardOutput)
        guard let commit = commits.first else {
            throw GitFailure(.notFound, "git show: '\(revision)' is no commit").connectError
        }
        var changes = session.query("diff-tree", "-r", "--no-commit-id")
        changes.settings += DiffReport.settings
        changes.arguments += DiffReport.options
        changes.arguments += Self.patch(
            hunks: !request.noHunks, context: request.hasContext ? request.context : nil)
        if let parent = commit.parents.first {
            changes.arguments += [parent, commit.commit]
        } else {
            changes.arguments += ["--root", commit.commit]
        }
        changes.endsRevisions = true
        let output = try await session.run(changes)
        return try await session.response(context) { [changes] () throws(ConnectError) in
            let files = try session.files(changes, output)
            return .with {
                $0.commit = commit
                $0.files = files
            }
        }
    }

    private static func patch(hunks: Bool, context: UInt32?) -> [String] {
        guard hunks else { return [] }
        return ["--patch", "--unified=\(min(context ?? 3, UInt32(Int32.max)))"]
    }
}

extension GitSession {
    /// A log of at most `count` commits.
    fileprivate func commits(upTo count: UInt32) -> GitCommand {
        self.query(
            "log", "-z", "--no-color", "--no-show-signature", "--encoding=UTF-8", "--decorate=short",
            "--max-count=\(count)", CommitList.format)
    }

    /// What a diff tells.
    fileprivate func files(
        _ query: GitCommand, _ output: GitOutput
    ) throws(ConnectError) -> [Envd_V1_GitFileDiff] {
        let limit = self.runner.configuration.limits.diffLines
        let lines = output.standardOutput.count { $0 == UInt8(ascii: "\n") }
        guard lines <= limit else {
            throw GitFailure(
                .limit,
                "git \(query.name): \(lines) lines, and \(limit) is the limit: name paths, or set no_hunks"
            ).connectError
        }
        guard let files = DiffReport.parse(output.standardOutput) else {
            throw ConnectError(.internalError, "git \(query.name) answers in an unknown form")
        }
        return files
    }
}
