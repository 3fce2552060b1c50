import Connect
import EnvdAPI
import NIOCore
import SandboxContext
import SwiftProtobuf

extension FilesystemService {
    /// `filesystem.Filesystem/WatchDir`: tells what changes in a directory for as long as the call lasts.
    ///
    /// - Throws: `ConnectError`: `notFound` or `invalidArgument` if it cannot be watched, `resourceExhausted` at the
    ///   kernel's limits.
    @Sendable func watchDir(
        _ request: Filesystem_WatchDirRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Filesystem_WatchDirResponse>
    ) async throws {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let isLegacy = LegacyClient.isCalling(context)
        let encode = try WatchEncoding(codec: context.codec, isReduced: isLegacy)
        let watcher = try await self.watch(path, Watcher.Options(request), as: account)
        if isLegacy { LegacyClient.mark(context) }
        let source = WatchSource(
            watcher, keepalive: KeepaliveInterval.of(context.requestHeaders), eventLoop: self.eventLoop,
            encoding: encode)
        try await responses.drain(source)
    }
}

extension Watcher.Options {
    init(_ request: Filesystem_WatchDirRequest) {
        self.isRecursive = request.recursive
        self.includesEntries = request.includeEntry
        self.allowsNetwork = request.allowNetworkMounts
    }

    init(_ request: Filesystem_CreateWatcherRequest) {
        self.isRecursive = request.recursive
        self.includesEntries = request.includeEntry
        self.allowsNetwork = request.allowNetworkMounts
    }
}
