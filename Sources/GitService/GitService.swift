package import Connect
import EnvdAPI
import HTTPTransport
package import LinuxIO
package import LinuxSystem
package import NIOCore
package import SandboxContext
import SwiftProtobuf

/// `envd.v1.Git`: runs the sandbox's git and reads what it writes.
///
/// Its procedures run on the event loop that it is made for. A call that ends early ends its git.
package final class GitService: Sendable {
    /// What the service is told once, at start.
    package struct Configuration: Sendable {
        /// The `PATH` that commands get.
        package var searchPath: String
        /// Limits of the kernel that commands get instead of the daemon's own.
        package var resourceLimits: [ResourceLimit]
        /// Where commands get cgroups; nil for none.
        package var cgroups: CommandCgroups?
        /// The program that git runs to ask for credentials: one that calls ``CredentialPrompt``.
        package var promptProgram: String
        package var limits: GitLimits

        package init(
            searchPath: String, resourceLimits: [ResourceLimit] = [], cgroups: CommandCgroups? = nil,
            promptProgram: String = "/proc/self/exe", limits: GitLimits = GitLimits()
        ) {
            self.searchPath = searchPath
            self.resourceLimits = resourceLimits
            self.cgroups = cgroups
            self.promptProgram = promptProgram
            self.limits = limits
        }
    }

    let runner: GitRunner
    /// Runs what goes on after a call.
    let executor: EventLoopTaskExecutor
    private let callers: CallerResolver

    /// A service that has not run anything yet. Called on the event loop.
    ///
    /// - Parameter pause: while the workload stands still, nothing is started.
    package init(
        _ configuration: Configuration, callers: CallerResolver, defaults: SandboxDefaults,
        reaper: ChildReaper, pool: BlockingPool, pause: WorkloadPause? = nil, eventLoop: any EventLoop
    ) {
        self.callers = callers
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.runner = GitRunner(
            configuration, defaults: defaults, reaper: reaper, pool: pool, pause: pause, eventLoop: eventLoop)
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(inPieces: GitAPI.status, self.status)
        router.register(GitAPI.initialize, self.initialize)
        router.register(GitAPI.add, self.add)
        router.register(GitAPI.commit, self.commit)
        router.register(inPieces: GitAPI.branches, self.branches)
        router.register(GitAPI.createBranch, self.createBranch)
        router.register(GitAPI.checkoutBranch, self.checkoutBranch)
        router.register(GitAPI.deleteBranch, self.deleteBranch)
        router.register(GitAPI.clone, self.clone)
        router.register(GitAPI.remoteAdd, self.remoteAdd)
        router.register(GitAPI.remoteGet, self.remoteGet)
        router.register(GitAPI.setConfig, self.setConfig)
        router.register(GitAPI.getConfig, self.getConfig)
        router.register(GitAPI.configureUser, self.configureUser)
        router.register(GitAPI.authenticate, self.authenticate)
        router.register(GitAPI.reset, self.reset)
        router.register(GitAPI.restore, self.restore)
        router.register(GitAPI.push, self.push)
        router.register(GitAPI.pull, self.pull)
        router.register(GitAPI.fetch, self.fetch)
        router.register(inPieces: GitAPI.log, self.log)
        router.register(inPieces: GitAPI.diff, self.diff)
        router.register(inPieces: GitAPI.show, self.show)
        router.register(GitAPI.merge, self.merge)
        router.register(GitAPI.stashPush, self.stashPush)
        router.register(GitAPI.stashList, self.stashList)
        router.register(GitAPI.stashPop, self.stashPop)
        router.register(GitAPI.stashDrop, self.stashDrop)
        router.register(inPieces: GitAPI.tags, self.tags)
        router.register(GitAPI.createTag, self.createTag)
        router.register(GitAPI.deleteTag, self.deleteTag)
    }

    var limits: GitLimits { self.runner.configuration.limits }

    /// Sends progress while `body` runs, then what it returns.
    func stream<Response: Message>(
        to responses: ResponseWriter<Response>,
        _ message: @escaping @Sendable (Envd_V1_GitProgress) -> Response,
        _ body:
            @escaping @Sendable (_ progress: @escaping @Sendable (GitProgress) -> Void) async throws ->
            Response
    ) async throws {
        try await ProgressStream(
            responses: responses, limit: self.limits.queuedProgress, message: message
        ).send(body)
    }

    /// The caller's git, in the directory `path`.
    ///
    /// - Throws: `ConnectError` if there is no such account, or no git that is new enough.
    func session(_ context: RPCContext, path: String) async throws -> GitSession {
        let caller = try await self.callers.caller(of: context)
        try await self.runner.checkVersion(as: caller)
        let directory = try SandboxPath.resolve(
            path, for: caller.account, workingDirectory: self.runner.workingDirectory)
        return GitSession(runner: self.runner, caller: caller, directory: directory)
    }
}
