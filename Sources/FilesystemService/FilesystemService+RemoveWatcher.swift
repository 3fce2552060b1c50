import Connect
import EnvdAPI
import NIOCore

extension FilesystemService {
    /// `filesystem.Filesystem/RemoveWatcher`: ends a watcher, or a watch that goes on without its client.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such watcher.
    @Sendable func removeWatcher(
        _ request: Filesystem_RemoveWatcherRequest, _: RPCContext
    ) async throws -> Filesystem_RemoveWatcherResponse {
        let id = request.watcherID
        guard let watcher = self.watchers.value.remove(id) ?? self.lingering.value.remove(id) else {
            throw Self.noWatcher(request.watcherID)
        }
        watcher.close()
        return Filesystem_RemoveWatcherResponse()
    }
}
