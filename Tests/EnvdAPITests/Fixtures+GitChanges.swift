import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `envd.v1.Git` has for repositories, commits, branches and settings.
    static let gitChanges: [any Message] = [
        Envd_V1_GitError.with {
            $0.kind = .limit
            $0.stderr = "stderr ä\n"
            $0.exitCode = -98
            $0.lockPath = "-lock_path"
            $0.conflicts = [Self.gitPath, Self.gitPath]
            $0.hint = "hint ä\n"
        },
        Envd_V1_GitStatusRequest.with {
            $0.path = "-path"
            $0.untracked = .all
            $0.ignored = true
        },
        Envd_V1_GitStatusResponse.with {
            $0.currentBranch = "-current_branch"
            $0.upstream = "upstream ä\n"
            $0.ahead = 207
            $0.behind = 208
            $0.detached = true
            $0.fileStatus = [Self.gitFileStatus, Self.gitFileStatus]
            $0.commit = "-commit"
            $0.upstreamGone = true
        },
        Envd_V1_GitInitRequest.with {
            $0.path = "path ä\n"
            $0.bare = true
            $0.initialBranch = "initial branch ä\n"
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitInitResponse.with {
            $0.gitDirectory = "-git_directory"
        },
        Envd_V1_GitCloneRequest.with {
            $0.url = "url ä\n"
            $0.path = "path ä\n"
            $0.branch = "-branch"
            $0.depth = 221
            $0.username = "username ä\n"
            $0.password = "-password"
            $0.dangerouslyStoreCredentials = true
            $0.commit = "commit ä\n"
            $0.filter = "-filter"
            $0.bare = true
            $0.submodules = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitCloneResponse.with { $0.progress = Self.gitProgress },
        Envd_V1_GitCloneResponse.with { $0.result = Self.gitCloneResponseResult },
        Envd_V1_GitAddRequest.with {
            $0.path = "-path"
            $0.files = ["files ä\n", "files ä\n"]
            $0.all = true
            $0.filesBytes = [Data([0x61, 0xFF, 0x0A]), Data([0x61, 0xFF, 0x0A])]
            $0.patterns = true
            $0.force = true
        },
        Envd_V1_GitAddResponse(),
        Envd_V1_GitCommitRequest.with {
            $0.path = "-path"
            $0.message = "message ä\n"
            $0.authorName = "author name ä\n"
            $0.authorEmail = "-author_email"
            $0.allowEmpty = true
            $0.amend = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitCommitResponse.with {
            $0.commit = "commit ä\n"
            $0.branch = "branch ä\n"
        },
        Envd_V1_GitBranchesRequest.with {
            $0.path = "-path"
            $0.remotes = true
        },
        Envd_V1_GitBranchesResponse.with {
            $0.branches = [Self.gitBranch, Self.gitBranch]
            $0.currentBranch = "-current_branch"
            $0.detached = true
        },
        Envd_V1_GitCreateBranchRequest.with {
            $0.path = "path ä\n"
            $0.branch = "-branch"
            $0.startPoint = "start point ä\n"
            $0.noCheckout = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitCreateBranchResponse(),
        Envd_V1_GitCheckoutBranchRequest.with {
            $0.path = "path ä\n"
            $0.branch = "branch ä\n"
            $0.detach = true
            $0.force = true
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitCheckoutBranchResponse.with {
            $0.commit = "-commit"
        },
        Envd_V1_GitDeleteBranchRequest.with {
            $0.path = "path ä\n"
            $0.branch = "branch ä\n"
            $0.force = true
        },
        Envd_V1_GitDeleteBranchResponse.with {
            $0.commit = "commit ä\n"
        },
        Envd_V1_GitRemoteAddRequest.with {
            $0.path = "path ä\n"
            $0.name = "-name"
            $0.url = "url ä\n"
            $0.fetch = true
            $0.overwrite = true
            $0.username = "username ä\n"
            $0.password = "password ä\n"
            $0.policy = Self.gitPolicy
        },
        Envd_V1_GitRemoteAddResponse(),
        Envd_V1_GitRemoteGetRequest.with {
            $0.path = "path ä\n"
            $0.name = "name ä\n"
        },
        Envd_V1_GitRemoteGetResponse.with {
            $0.url = "-url"
        },
        Envd_V1_GitSetConfigRequest.with {
            $0.key = "key ä\n"
            $0.value = "value ä\n"
            $0.scope = "-scope"
            $0.path = "path ä\n"
        },
        Envd_V1_GitSetConfigResponse(),
        Envd_V1_GitGetConfigRequest.with {
            $0.key = "key ä\n"
            $0.scope = "-scope"
            $0.path = "path ä\n"
        },
        Envd_V1_GitGetConfigResponse.with {
            $0.value = "value ä\n"
        },
        Envd_V1_GitConfigureUserRequest.with {
            $0.name = "-name"
            $0.email = "email ä\n"
            $0.scope = "scope ä\n"
            $0.path = "-path"
        },
        Envd_V1_GitConfigureUserResponse(),
    ]
}
