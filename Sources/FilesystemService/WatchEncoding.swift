import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

/// Writes the messages of a stream of events.
struct WatchEncoding: Sendable {
    private enum Format: Sendable {
        case proto
        case json
    }

    private let format: Format
    /// Whether the messages are for a ``LegacyClient``.
    private let isReduced: Bool

    /// The encoding for a codec's name.
    ///
    /// - Throws: `ConnectError` with `unimplemented` if there is none.
    init(codec: String, isReduced: Bool = false) throws(ConnectError) {
        self.isReduced = isReduced
        switch codec {
        case "proto": self.format = .proto
        case "json": self.format = .json
        default: throw ConnectError(.unimplemented, "watch events have no form in codec '\(codec)'")
        }
    }

    func write(_ response: Filesystem_WatchDirResponse, into buffer: inout ByteBuffer) {
        // Neither format can fail for a message without required fields, extensions and invalid text.
        let response = self.isReduced ? response.reduced : response
        switch self.format {
        case .proto: buffer.writeBytes((try? response.serializedBytes() as [UInt8]) ?? [])
        case .json: buffer.writeBytes((try? response.jsonUTF8Bytes() as [UInt8]) ?? [])
        }
    }
}
