import Connect
import EnvdAPI
import NIOCore
import SandboxContext
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/WatchDir`: tells what changes in a directory for as long as the call lasts.
    ///
    /// A watch that lingers goes on after the call, for a client that resumes it where it was cut.
    ///
    /// - Throws: `ConnectError`: `notFound` or `invalidArgument` if it cannot be watched, `resourceExhausted` at the
    ///   kernel's limits; `outOfRange` if a watch is resumed at a cursor that it has not reached.
    @Sendable func watchDir(
        _ request: Filesystem_WatchDirRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Filesystem_WatchDirResponse>
    ) async throws {
        let isLegacy = LegacyClient.isCalling(context)
        let encoding = try WatchEncoding(codec: context.codec, isReduced: isLegacy)
        let keepalive = KeepaliveInterval.of(context.requestHeaders)
        let opened =
            request.hasResume ? try self.resume(request.resume) : try await self.open(request, context)
        if isLegacy { LegacyClient.mark(context) }
        let source = WatchSource(
            opened.watcher, id: opened.id, snapshot: opened.snapshot, keepalive: keepalive,
            eventLoop: self.eventLoop, encoding: encoding
        ) { watcher in
            guard let id = opened.id else { return watcher.close() }
            self.lingering.value.letGo(id)
        }
        try await responses.drain(source)
    }

    private typealias Opened = (watcher: Watcher, id: String?, snapshot: [WatchQueue.Item])

    private func open(_ request: Filesystem_WatchDirRequest, _ context: RPCContext) async throws -> Opened {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let options = try WatchOptions(request, self.hub.value.limits)
        let (watcher, snapshot) = try await self.watch(path, options, as: account)
        guard let lingering = options.lingering else { return (watcher, nil, snapshot) }
        let id = self.lingering.value.add(watcher, expiry: lingering)
        return (self.lingering.value.hold(id) ?? watcher, id, snapshot)
    }

    private func resume(_ position: Filesystem_WatchPosition) throws(ConnectError) -> Opened {
        let id = position.watchID
        guard let watcher = self.lingering.value.find(id) else { throw Self.noWatcher(id) }
        try watcher.seek(after: position.cursor, forgetting: true)
        watcher.leave?()
        return (self.lingering.value.hold(id) ?? watcher, id, [])
    }
}
