import Connect
import EnvdAPI
import NIOCore
import SandboxContext
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/CreateWatcher`: watches a directory for a client that polls.
    ///
    /// The watcher outlives the call, and the client's connection. It is removed when nobody has asked for an hour.
    ///
    /// - Throws: `ConnectError`: `notFound` or `invalidArgument` if it cannot be watched, `resourceExhausted` at the
    ///   kernel's limits.
    @Sendable func createWatcher(
        _ request: Filesystem_CreateWatcherRequest, _ context: RPCContext
    ) async throws -> Filesystem_CreateWatcherResponse {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let hub = self.hub.value
        let (watcher, snapshot) = try await self.watch(
            path, try WatchOptions(request, hub.limits), as: account)
        let id = self.watchers.value.add(watcher, expiry: hub.limits.expiry)
        return .with {
            $0.watcherID = id
            $0.initial = snapshot.map { .init($0) }
        }
    }
}
