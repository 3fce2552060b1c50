import Connect
import EnvdAPI
import LinuxSystem
import NIOCore
import SandboxContext

extension FilesystemService {
    /// `filesystem.Filesystem/ListDir`: describes the entries of a directory and, as deep as asked for, of those inside
    /// it, depth first, in bytewise order of the names.
    ///
    /// However many there are, they are sent while they are found.
    ///
    /// - Throws: `ConnectError`: `notFound` if the path leads nowhere, `invalidArgument` if not to a directory,
    ///   `failedPrecondition` for a cycle of links.
    @Sendable func listDir(
        _ request: Filesystem_ListDirRequest, _ context: RPCContext
    ) async throws -> MessagePieces<Filesystem_ListDirResponse> {
        let account = try await self.callers.caller(of: context).account
        let isLegacy = LegacyClient.isCalling(context)
        let listing = DirectoryListing(
            DirectoryListing.Request(
                path: try self.resolve(request.path, for: account),
                depth: max(1, Int(request.depth)),
                limit: request.limit == 0 ? nil : Int(request.limit),
                continuation: Array(request.continuation),
                codec: try Self.codec(of: context), isReduced: isLegacy),
            self.names)
        return MessagePieces {
            let piece = try await self.perform(as: account) { resolver throws(FilesystemFailure) in
                try listing.next(resolver)
            }
            if isLegacy { LegacyClient.mark(context) }
            return piece
        }
    }

    private static func codec(of context: RPCContext) throws(ConnectError) -> DirectoryListing.Codec {
        switch context.codec {
        case "proto": return .proto
        case "json": return .json
        default:
            throw ConnectError(.unimplemented, "listings have no form in codec '\(context.codec)'")
        }
    }
}
