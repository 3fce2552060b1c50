import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/GetWatcherEvents`: what a watcher has seen since it was last asked, all that has
    /// happened before this call included.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such watcher; what has made it end, after its last events.
    @Sendable func getWatcherEvents(
        _ request: Filesystem_GetWatcherEventsRequest, _: RPCContext
    ) async throws -> Filesystem_GetWatcherEventsResponse {
        let watcher = try self.watcher(request.watcherID)
        self.hub.value.drain()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            watcher.whenSettled { continuation.resume() }
        }
        if !watcher.hasNext, let failure = watcher.failure { throw failure }
        return .with {
            while let item = watcher.next() { $0.events.append(.init(item)) }
        }
    }

    /// The watcher that a client means.
    private func watcher(_ id: String) throws(ConnectError) -> Watcher {
        guard let watcher = self.watchers.value.find(id) else { throw Self.noWatcher(id) }
        return watcher
    }

    static func noWatcher(_ id: String) -> ConnectError {
        ConnectError(.notFound, "watcher with id \(id) not found")
    }
}
