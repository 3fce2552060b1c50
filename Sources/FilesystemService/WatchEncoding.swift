import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

/// Writes the messages of a stream of events.
enum WatchEncoding: Sendable {
    case proto
    case json

    /// The encoding for a codec's name.
    ///
    /// - Throws: `ConnectError` with `unimplemented` if there is none.
    init(codec: String) throws(ConnectError) {
        switch codec {
        case "proto": self = .proto
        case "json": self = .json
        default: throw ConnectError(.unimplemented, "watch events have no form in codec '\(codec)'")
        }
    }

    func write(_ response: Filesystem_WatchDirResponse, into buffer: inout ByteBuffer) {
        // Neither format can fail for a message without required fields, extensions and invalid text.
        switch self {
        case .proto: buffer.writeBytes((try? response.serializedBytes() as [UInt8]) ?? [])
        case .json: buffer.writeBytes((try? response.jsonUTF8Bytes() as [UInt8]) ?? [])
        }
    }
}
