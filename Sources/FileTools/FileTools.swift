package import Connect
import EnvdAPI
import HTTPTransport
package import LinuxIO
import LinuxSystem
package import NIOCore
package import SandboxContext
import Synchronization
import SystemPackage

/// `envd.v1.FileTools`, `/files/archive` and `/files/resume`: what clients would otherwise do with programs in the sandbox.
package final class FileTools: Sendable {
    let callers: CallerResolver
    let defaults: SandboxDefaults
    let files: FileAccess
    let pool: BlockingPool
    /// Held while an edited file takes the other's place: two edits do not overlook each other.
    let commits = Mutex(())
    /// Incomplete files that a request goes on with now.
    let uploads = Mutex<Set<FileStatus.Identity>>([])
    let executor: EventLoopTaskExecutor

    package init(
        callers: CallerResolver, defaults: SandboxDefaults, files: FileAccess, pool: BlockingPool,
        eventLoop: any EventLoop
    ) {
        self.callers = callers
        self.defaults = defaults
        self.files = files
        self.pool = pool
        self.executor = EventLoopTaskExecutor(eventLoop)
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(FileToolsAPI.search, self.search)
        router.register(FileToolsAPI.find, self.find)
        router.register(FileToolsAPI.readLines, self.readLines)
        router.register(FileToolsAPI.edit, self.edit)
    }

    /// The absolute path that a request means.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for `~name`.
    func resolve(_ path: String, for account: Account) throws(ConnectError) -> String {
        try SandboxPath.resolve(
            path, for: account, workingDirectory: self.defaults.current.workingDirectory)
    }

    /// Runs `body` as `account` on a thread that may block.
    ///
    /// - Throws: `ConnectError`: what the failure tells the client.
    func perform<Success: Sendable>(
        as account: Account, _ body: @escaping @Sendable (FileResolver) throws(ToolFailure) -> Success
    ) async throws(ConnectError) -> Success {
        do {
            return try await self.files.perform(as: account, body)
        } catch {
            throw error.error
        }
    }

    /// A walk below a directory.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for what is no glob.
    func walk(
        below root: OpenEntry, _ selection: Envd_V1_Selection, as account: Account
    ) async throws(ConnectError) -> TreeWalk {
        let options: TreeWalk.Options
        do throws(ToolFailure) {
            options = TreeWalk.Options(
                include: try GlobList(selection.include), exclude: try GlobList(selection.exclude),
                usesIgnoreFiles: !selection.noIgnore,
                maxDepth: SearchLimits.clamp(selection.maxDepth, TreeWalk.maximumDepth))
        } catch {
            throw error.error
        }
        let files = self.files
        return await self.pool.run { TreeWalk(of: root, options, files, as: account) }
    }
}
