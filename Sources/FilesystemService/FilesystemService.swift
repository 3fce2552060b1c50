package import Connect
import EnvdAPI
import LinuxSystem
package import NIOCore
package import SandboxContext
import SystemPackage

/// `filesystem.Filesystem`: looks at, changes and watches files and directories.
package final class FilesystemService: Sendable {
    let callers: CallerResolver
    let defaults: SandboxDefaults
    let files: FileAccess
    let names: OwnerNames
    let eventLoop: any EventLoop
    let hub: NIOLoopBound<WatchHub>
    let watchers: NIOLoopBound<WatcherTable>

    /// A service whose procedures run on `eventLoop`. Called there.
    package init(
        callers: CallerResolver, defaults: SandboxDefaults, files: FileAccess, names: OwnerNames,
        eventLoop: any EventLoop, watching limits: WatchLimits = WatchLimits()
    ) {
        self.eventLoop = eventLoop
        self.hub = NIOLoopBound(
            WatchHub(limits: limits, pool: files.pool, eventLoop: eventLoop), eventLoop: eventLoop)
        self.watchers = NIOLoopBound(WatcherTable(limits, eventLoop: eventLoop), eventLoop: eventLoop)
        self.callers = callers
        self.defaults = defaults
        self.files = files
        self.names = names
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(FilesystemAPI.stat, self.stat)
        router.register(FilesystemAPI.watchDir, self.watchDir)
        router.register(FilesystemAPI.createWatcher, self.createWatcher)
        router.register(FilesystemAPI.getWatcherEvents, self.getWatcherEvents)
        router.register(FilesystemAPI.removeWatcher, self.removeWatcher)
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
        as account: Account,
        _ body: @escaping @Sendable (FileResolver) throws(FilesystemFailure) -> Success
    ) async throws(ConnectError) -> Success {
        do {
            return try await self.files.perform(as: account, body)
        } catch {
            throw error.error
        }
    }

    /// Describes the entry at `path`.
    func entry(at path: String, _ resolver: FileResolver) throws(FilesystemFailure) -> Filesystem_EntryInfo {
        do {
            let location = try resolver.location(of: try RawPath(path))
            let facts = try EntryFacts(of: location, resolver)
            return Filesystem_EntryInfo(facts, path: path, self.names.now())
        } catch {
            guard error == .noSuchFileOrDirectory else {
                throw .unexpected("error getting file info: lstat \(path)", error)
            }
            throw FilesystemFailure(
                .notFound, "file not found: lstat \(path): \(error.lowercasedDescription)", error)
        }
    }
}
