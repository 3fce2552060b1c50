import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `envd.v1.Git` has for remotes, history, merges, stashes and tags.
    static let gitRemotes: [any Message] = [
        Envd_V1_GitResetRequest.with {
            $0.path = "path ä\n"
            $0.mode = "mode ä\n"
            $0.target = "-target"
            $0.paths = ["paths ä\n", "paths ä\n"]
            $0.pathsBytes = [Data([0x61, 0xFF, 0x0A]), Data([0x61, 0xFF, 0x0A])]
            $0.patterns = true
        },
        Envd_V1_GitResetResponse.with {
            $0.commit = "commit ä\n"
        },
        Envd_V1_GitRestoreRequest.with {
            $0.path = "path ä\n"
            $0.paths = ["-paths", "-paths"]
            $0.staged = true
            $0.worktree = true
            $0.source = "-source"
            $0.pathsBytes = [Data([0x61, 0xFF, 0x0A]), Data([0x61, 0xFF, 0x0A])]
            $0.patterns = true
        },
        Envd_V1_GitRestoreResponse(),
        Envd_V1_GitPushRequest.with {
            $0.path = "-path"
            $0.remote = "remote ä\n"
            $0.branch = "branch ä\n"
            $0.setUpstream = true
            $0.username = "username ä\n"
            $0.password = "password ä\n"
            $0.credentialHost = "-credential_host"
            $0.force = true
            $0.forceWithLease = true
            $0.tags = true
            $0.delete = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitPushResponse.with { $0.progress = Self.gitProgress },
        Envd_V1_GitPushResponse.with { $0.result = Self.gitPushResponseResult },
        Envd_V1_GitPullRequest.with {
            $0.path = "path ä\n"
            $0.remote = "-remote"
            $0.branch = "branch ä\n"
            $0.username = "username ä\n"
            $0.password = "-password"
            $0.credentialHost = "credential host ä\n"
            $0.strategy = "strategy ä\n"
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitPullResponse.with { $0.progress = Self.gitProgress },
        Envd_V1_GitPullResponse.with { $0.result = Self.gitPullResponseResult },
        Envd_V1_GitFetchRequest.with {
            $0.path = "-path"
            $0.remote = "remote ä\n"
            $0.refspecs = ["refspecs ä\n", "refspecs ä\n"]
            $0.username = "-username"
            $0.password = "password ä\n"
            $0.credentialHost = "credential host ä\n"
            $0.prune = true
            $0.tags = true
            $0.depth = 336
            $0.unshallow = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitFetchResponse.with { $0.progress = Self.gitProgress },
        Envd_V1_GitFetchResponse.with { $0.result = Self.gitFetchResponseResult },
        Envd_V1_GitAuthenticateRequest.with {
            $0.username = "username ä\n"
            $0.password = "password ä\n"
            $0.host = "-host"
            $0.protocol = "protocol ä\n"
        },
        Envd_V1_GitAuthenticateResponse(),
        Envd_V1_GitLogRequest.with {
            $0.path = "path ä\n"
            $0.revision = "-revision"
            $0.maxCount = 347
            $0.skip = 348
            $0.paths = ["-paths", "-paths"]
            $0.firstParent = true
            $0.author = "author ä\n"
            $0.since = "-since"
            $0.until = "until ä\n"
            $0.patterns = true
        },
        Envd_V1_GitLogResponse.with {
            $0.commits = [Self.gitCommit, Self.gitCommit]
        },
        Envd_V1_GitDiffRequest.with {
            $0.path = "path ä\n"
            $0.staged = true
            $0.from = "-from"
            $0.to = "to ä\n"
            $0.paths = ["paths ä\n", "paths ä\n"]
            $0.context = 361
            $0.noHunks = true
            $0.ignoreWhitespace = true
            $0.patterns = true
        },
        Envd_V1_GitDiffResponse.with {
            $0.files = [Self.gitFileDiff, Self.gitFileDiff]
        },
        Envd_V1_GitShowRequest.with {
            $0.path = "path ä\n"
            $0.revision = "-revision"
            $0.context = 368
            $0.noHunks = true
        },
        Envd_V1_GitShowResponse.with {
            $0.commit = Self.gitCommit
            $0.files = [Self.gitFileDiff, Self.gitFileDiff]
        },
        Envd_V1_GitMergeRequest.with {
            $0.path = "path ä\n"
            $0.revision = "-revision"
            $0.fastForward = "fast forward ä\n"
            $0.message = "message ä\n"
            $0.squash = true
            $0.abort = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitMergeResponse.with {
            $0.outcome = .aborted
            $0.commit = "commit ä\n"
        },
        Envd_V1_GitStashPushRequest.with {
            $0.path = "path ä\n"
            $0.message = "-message"
            $0.includeUntracked = true
            $0.keepIndex = true
            $0.paths = ["-paths", "-paths"]
            $0.pathsBytes = [Data([0x61, 0xFF, 0x0A]), Data([0x61, 0xFF, 0x0A])]
            $0.patterns = true
        },
        Envd_V1_GitStashPushResponse.with {
            $0.created = true
            $0.commit = "commit ä\n"
        },
        Envd_V1_GitStashListRequest.with {
            $0.path = "path ä\n"
        },
        Envd_V1_GitStashListResponse.with {
            $0.entries = [Self.gitStashListResponseEntry, Self.gitStashListResponseEntry]
        },
        Envd_V1_GitStashPopRequest.with {
            $0.path = "path ä\n"
            $0.index = 393
            $0.keep = true
            $0.restoreIndex = true
        },
        Envd_V1_GitStashPopResponse(),
        Envd_V1_GitStashDropRequest.with {
            $0.path = "path ä\n"
            $0.index = 397
        },
        Envd_V1_GitStashDropResponse(),
        Envd_V1_GitTagsRequest.with {
            $0.path = "path ä\n"
        },
        Envd_V1_GitTagsResponse.with {
            $0.tags = [Self.gitTag, Self.gitTag]
        },
        Envd_V1_GitCreateTagRequest.with {
            $0.path = "-path"
            $0.name = "name ä\n"
            $0.target = "target ä\n"
            $0.message = "-message"
            $0.force = true
        },
        Envd_V1_GitCreateTagResponse(),
        Envd_V1_GitDeleteTagRequest.with {
            $0.path = "path ä\n"
            $0.name = "-name"
        },
        Envd_V1_GitDeleteTagResponse.with {
            $0.object = "object ä\n"
        },
    ]
}
