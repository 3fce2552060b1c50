package import Connect

/// The procedures of `envd.v1.Git`, as `proto/envd/v1/git.proto` has them.
package enum GitAPI {
    private static let service = "envd.v1.Git"

    package static let status = UnaryProcedure<Envd_V1_GitStatusRequest, Envd_V1_GitStatusResponse>(
        service, "Status", hasNoSideEffects: true)
    package static let initialize = UnaryProcedure<Envd_V1_GitInitRequest, Envd_V1_GitInitResponse>(
        service, "Init")
    package static let clone = ServerStreamProcedure<Envd_V1_GitCloneRequest, Envd_V1_GitCloneResponse>(
        service, "Clone")
    package static let add = UnaryProcedure<Envd_V1_GitAddRequest, Envd_V1_GitAddResponse>(service, "Add")
    package static let commit = UnaryProcedure<Envd_V1_GitCommitRequest, Envd_V1_GitCommitResponse>(
        service, "Commit")
    package static let branches = UnaryProcedure<Envd_V1_GitBranchesRequest, Envd_V1_GitBranchesResponse>(
        service, "Branches", hasNoSideEffects: true)
    package static let createBranch = UnaryProcedure<
        Envd_V1_GitCreateBranchRequest, Envd_V1_GitCreateBranchResponse
    >(service, "CreateBranch")
    package static let checkoutBranch = UnaryProcedure<
        Envd_V1_GitCheckoutBranchRequest, Envd_V1_GitCheckoutBranchResponse
    >(service, "CheckoutBranch")
    package static let deleteBranch = UnaryProcedure<
        Envd_V1_GitDeleteBranchRequest, Envd_V1_GitDeleteBranchResponse
    >(service, "DeleteBranch")
    package static let remoteAdd = UnaryProcedure<Envd_V1_GitRemoteAddRequest, Envd_V1_GitRemoteAddResponse>(
        service, "RemoteAdd")
    package static let remoteGet = UnaryProcedure<Envd_V1_GitRemoteGetRequest, Envd_V1_GitRemoteGetResponse>(
        service, "RemoteGet", hasNoSideEffects: true)
    package static let setConfig = UnaryProcedure<Envd_V1_GitSetConfigRequest, Envd_V1_GitSetConfigResponse>(
        service, "SetConfig")
    package static let getConfig = UnaryProcedure<Envd_V1_GitGetConfigRequest, Envd_V1_GitGetConfigResponse>(
        service, "GetConfig", hasNoSideEffects: true)
    package static let configureUser = UnaryProcedure<
        Envd_V1_GitConfigureUserRequest, Envd_V1_GitConfigureUserResponse
    >(service, "ConfigureUser")
    package static let reset = UnaryProcedure<Envd_V1_GitResetRequest, Envd_V1_GitResetResponse>(
        service, "Reset")
    package static let restore = UnaryProcedure<Envd_V1_GitRestoreRequest, Envd_V1_GitRestoreResponse>(
        service, "Restore")
    package static let push = ServerStreamProcedure<Envd_V1_GitPushRequest, Envd_V1_GitPushResponse>(
        service, "Push")
    package static let pull = ServerStreamProcedure<Envd_V1_GitPullRequest, Envd_V1_GitPullResponse>(
        service, "Pull")
    package static let fetch = ServerStreamProcedure<Envd_V1_GitFetchRequest, Envd_V1_GitFetchResponse>(
        service, "Fetch")
    package static let authenticate = UnaryProcedure<
        Envd_V1_GitAuthenticateRequest, Envd_V1_GitAuthenticateResponse
    >(service, "Authenticate")
    package static let log = UnaryProcedure<Envd_V1_GitLogRequest, Envd_V1_GitLogResponse>(
        service, "Log", hasNoSideEffects: true)
    package static let diff = UnaryProcedure<Envd_V1_GitDiffRequest, Envd_V1_GitDiffResponse>(
        service, "Diff", hasNoSideEffects: true)
    package static let show = UnaryProcedure<Envd_V1_GitShowRequest, Envd_V1_GitShowResponse>(
        service, "Show", hasNoSideEffects: true)
    package static let merge = UnaryProcedure<Envd_V1_GitMergeRequest, Envd_V1_GitMergeResponse>(
        service, "Merge")
    package static let stashPush = UnaryProcedure<Envd_V1_GitStashPushRequest, Envd_V1_GitStashPushResponse>(
        service, "StashPush")
    package static let stashList = UnaryProcedure<Envd_V1_GitStashListRequest, Envd_V1_GitStashListResponse>(
        service, "StashList", hasNoSideEffects: true)
    package static let stashPop = UnaryProcedure<Envd_V1_GitStashPopRequest, Envd_V1_GitStashPopResponse>(
        service, "StashPop")
    package static let stashDrop = UnaryProcedure<Envd_V1_GitStashDropRequest, Envd_V1_GitStashDropResponse>(
        service, "StashDrop")
    package static let tags = UnaryProcedure<Envd_V1_GitTagsRequest, Envd_V1_GitTagsResponse>(
        service, "Tags", hasNoSideEffects: true)
    package static let createTag = UnaryProcedure<Envd_V1_GitCreateTagRequest, Envd_V1_GitCreateTagResponse>(
        service, "CreateTag")
    package static let deleteTag = UnaryProcedure<Envd_V1_GitDeleteTagRequest, Envd_V1_GitDeleteTagResponse>(
        service, "DeleteTag")
}
