import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/GetWatcherEvents`: what a watcher has seen since it was last asked, all that has
    /// happened before this call included.
    ///
    /// With a cursor, events are told again until they are confirmed.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such watcher, `outOfRange` for a cursor that it has not
    ///   reached; what has made it end, after its last events.
    @Sendable func getWatcherEvents(
        _ request: Filesystem_GetWatcherEventsRequest, _: RPCContext
    ) async throws -> Filesystem_GetWatcherEventsResponse {
        let watcher = try self.watcher(request.watcherID)
        self.hub.value.drain()
        if request.hasCursor { try watcher.seek(after: request.cursor, forgetting: true) }
        var events = watcher.takeAll()
        for _ in 0..<Self.roundsOfPoll {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                watcher.whenSettled { continuation.resume() }
            }
            let isHeldBack = watcher.isHeldBack
            events += watcher.takeAll()
            if !isHeldBack { break }
        }
        if events.isEmpty, let failure = watcher.failure { throw failure }
        return .with { $0.events = events }
    }

    /// How often more events than fit at once are taken for one answer.
    private static let roundsOfPoll = 4

    /// The watcher that a client means.
    private func watcher(_ id: String) throws(ConnectError) -> Watcher {
        guard let watcher = self.watchers.value.find(id) else { throw Self.noWatcher(id) }
        return watcher
    }

    static func noWatcher(_ id: String) -> ConnectError {
        ConnectError(.notFound, "watcher with id \(id) not found")
    }
}
