import Connect
import EnvdAPI
import NIOHTTP1
import SwiftProtobuf

/// The first Python SDKs, whose decoder fails on fields that it does not know: they are answered with the fields of
/// their time.
enum LegacyClient {
    private static let userAgent = "connect-python"

    /// Whether one of them calls.
    static func isCalling(_ context: RPCContext) -> Bool {
        context.requestHeaders.first(name: "user-agent") == Self.userAgent
    }

    /// Marks a response that is reduced. Errors are not marked.
    static func mark(_ context: RPCContext) {
        context.response.headers.replaceOrAdd(name: "X-E2B-Legacy-SDK", value: "true")
    }

    /// The procedure `body`, whose responses suit them.
    static func suited<Request, Response: Reducible>(
        _ body: @escaping @Sendable (Request, RPCContext) async throws -> Response
    ) -> @Sendable (Request, RPCContext) async throws -> Response {
        { request, context in
            let response = try await body(request, context)
            guard Self.isCalling(context) else { return response }
            Self.mark(context)
            return response.reduced
        }
    }

    /// A message with fields that those SDKs do not know.
    protocol Reducible: Sendable, SendableMetatype {
        /// Without them.
        var reduced: Self { get }
    }
}

extension LegacyClient.Reducible {
    var reduced: Self { self }
}

extension Filesystem_EntryInfo: LegacyClient.Reducible {
    var reduced: Filesystem_EntryInfo {
        .with {
            $0.name = self.name
            $0.type = self.type
            $0.path = self.path
        }
    }
}

extension Filesystem_FilesystemEvent: LegacyClient.Reducible {
    var reduced: Filesystem_FilesystemEvent {
        .with {
            $0.name = self.name
            $0.type = self.type
        }
    }
}

extension Filesystem_StatResponse: LegacyClient.Reducible {
    var reduced: Filesystem_StatResponse { .with { $0.entry = self.entry.reduced } }
}

extension Filesystem_MakeDirResponse: LegacyClient.Reducible {
    var reduced: Filesystem_MakeDirResponse { .with { $0.entry = self.entry.reduced } }
}

extension Filesystem_MoveResponse: LegacyClient.Reducible {
    var reduced: Filesystem_MoveResponse { .with { $0.entry = self.entry.reduced } }
}

extension Filesystem_GetWatcherEventsResponse: LegacyClient.Reducible {
    var reduced: Filesystem_GetWatcherEventsResponse { .with { $0.events = self.events.map(\.reduced) } }
}

extension Filesystem_WatchDirResponse: LegacyClient.Reducible {
    var reduced: Filesystem_WatchDirResponse {
        guard case .filesystem(let event) = self.event else { return self }
        return .with { $0.filesystem = event.reduced }
    }
}

extension Filesystem_RemoveResponse: LegacyClient.Reducible {}
extension Filesystem_CreateWatcherResponse: LegacyClient.Reducible {}
extension Filesystem_RemoveWatcherResponse: LegacyClient.Reducible {}
