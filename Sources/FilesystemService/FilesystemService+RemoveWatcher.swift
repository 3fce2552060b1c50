import Connect
import EnvdAPI
import NIOCore

extension FilesystemService {
    /// `filesystem.Filesystem/RemoveWatcher`: ends a watcher.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such watcher.
    @Sendable func removeWatcher(
        _ request: Filesystem_RemoveWatcherRequest, _: RPCContext
    ) async throws -> Filesystem_RemoveWatcherResponse {
        guard let watcher = self.watchers.value.remove(request.watcherID) else {
            throw Self.noWatcher(request.watcherID)
        }
        watcher.close()
        return Filesystem_RemoveWatcherResponse()
    }
}
