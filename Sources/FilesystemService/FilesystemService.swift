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
    /// The watchers of clients that poll.
    let watchers: NIOLoopBound<WatcherTable>
    /// The watches of streams that can be resumed.
    let lingering: NIOLoopBound<WatcherTable>

    /// A service whose procedures run on `eventLoop`. Called there.
    package init(
        callers: CallerResolver, defaults: SandboxDefaults, files: FileAccess, names: OwnerNames,
        eventLoop: any EventLoop, watching limits: WatchLimits = WatchLimits()
    ) {
        self.eventLoop = eventLoop
        self.hub = NIOLoopBound(
            WatchHub(limits: limits, pool: files.pool, eventLoop: eventLoop), eventLoop: eventLoop)
        self.watchers = NIOLoopBound(WatcherTable(eventLoop: eventLoop), eventLoop: eventLoop)
        self.lingering = NIOLoopBound(WatcherTable(eventLoop: eventLoop), eventLoop: eventLoop)
        self.callers = callers
        self.defaults = defaults
        self.files = files
        self.names = names
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(FilesystemAPI.stat, LegacyClient.suited(self.stat))
        router.register(FilesystemAPI.watchDir, self.watchDir)
        router.register(FilesystemAPI.createWatcher, LegacyClient.suited(self.createWatcher))
        router.register(FilesystemAPI.getWatcherEvents, LegacyClient.suited(self.getWatcherEvents))
        router.register(FilesystemAPI.removeWatcher, LegacyClient.suited(self.removeWatcher))
        router.register(inPieces: FilesystemAPI.listDir, self.listDir)
        router.register(FilesystemAPI.makeDir, LegacyClient.suited(self.makeDir))
        router.register(FilesystemAPI.move, LegacyClient.suited(self.move))
        router.register(FilesystemAPI.remove, LegacyClient.suited(self.remove))
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
        do throws(Errno) {
            let location = try resolver.location(of: try RawPath(path))
            let facts = try EntryFacts(of: location, resolver)
            return Filesystem_EntryInfo(facts, path: path, self.names.now())
        } catch {
            throw .entry(path, error)
        }
    }

    /// Describes the entry `name` of a directory, which is to be seen at `path`.
    func entry(
        at path: String, _ name: RawPath, in directory: borrowing OwnedDescriptor, _ resolver: FileResolver
    ) throws(FilesystemFailure) -> Filesystem_EntryInfo {
        do throws(Errno) {
            let facts = try EntryFacts(of: name, in: directory, resolver)
            return Filesystem_EntryInfo(facts, path: path, self.names.now())
        } catch {
            throw .entry(path, error)
        }
    }

    /// The directory that holds what `path` names.
    static func location(
        of path: String, _ resolver: FileResolver, _ failure: (Errno) -> FilesystemFailure
    ) throws(FilesystemFailure) -> FileLocation {
        do throws(Errno) {
            return try resolver.location(of: try RawPath(path))
        } catch {
            throw failure(error)
        }
    }

    /// Opens the directory at `path`, and makes it and the missing ones above it.
    static func ensureDirectory(
        _ path: String, for account: Account, _ resolver: FileResolver
    ) throws(FilesystemFailure) -> OwnedDescriptor {
        do throws(DirectoryFailure) {
            return try resolver.ensureDirectory(path, for: account)
        } catch {
            throw FilesystemFailure(directory: error)
        }
    }
}
