import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

/// Writes process events as messages, for the two responses that carry them.
///
/// `StartResponse` and `ConnectResponse` have the same layout: one field, `event`. Data events are framed by
/// hand in the binary and JSON formats, because most bytes of the daemon go through them; everything else, and
/// every other codec, is left to SwiftProtobuf.
struct EventFraming: Sendable {
    private enum Format: Sendable {
        case proto
        case json
    }

    private let format: Format

    /// The framing for a codec's name, nil if it has none by hand.
    init?(codec: String) {
        switch codec {
        case "proto": self.format = .proto
        case "json": self.format = .json
        default: return nil
        }
    }

    /// Begins the message of a data event in `buffer`; the payload, if not in the buffer, is returned.
    ///
    /// Binary layout: three nested messages, each as tag and length: `event` (0x0A), `data` (0x12), then the
    /// stream's field with the bytes as the end of all three. The offset comes before it, though its number is
    /// higher, because the bytes end the message.
    func data(
        _ chunk: OutputLog.Chunk, withOffset: Bool = false, into buffer: inout ByteBuffer
    ) -> ByteBuffer? {
        switch self.format {
        case .proto:
            let length = chunk.bytes.readableBytes
            let offset = withOffset ? Self.offsetTag.count + Self.varintLength(Int(chunk.offset)) : 0
            let field = offset + 1 + Self.varintLength(length) + length
            let data = 1 + Self.varintLength(field) + field
            Self.write(tag: 0x0A, length: data, into: &buffer)
            Self.write(tag: 0x12, length: field, into: &buffer)
            if withOffset {
                buffer.writeBytes(Self.offsetTag)
                Self.write(varint: Int(chunk.offset), into: &buffer)
            }
            Self.write(tag: chunk.stream.rawValue << 3 | 2, length: length, into: &buffer)
            return chunk.bytes
        case .json:
            let length = Base64Text.length(of: chunk.bytes.readableBytes)
            buffer.reserveCapacity(minimumWritableBytes: length + 64)
            buffer.writeStaticString("{\"event\":{\"data\":{\"")
            if withOffset { buffer.writeString("offset\":\"\(chunk.offset)\",\"") }
            buffer.writeStaticString(Self.name(of: chunk.stream))
            buffer.writeStaticString("\":\"")
            Base64Text.write(chunk.bytes.readableBytesView, into: &buffer)
            buffer.writeStaticString("\"}}}")
            return nil
        }
    }

    /// Writes a message with any other event.
    func event(_ event: Process_ProcessEvent, into buffer: inout ByteBuffer) {
        let message = Process_StartResponse.with { $0.event = event }
        // Neither format can fail for a message without required fields, extensions and invalid text.
        switch self.format {
        case .proto: buffer.writeBytes((try? message.serializedBytes() as [UInt8]) ?? [])
        case .json: buffer.writeBytes((try? message.jsonUTF8Bytes() as [UInt8]) ?? [])
        }
    }

    private static func name(of stream: OutputLog.Stream) -> StaticString {
        switch stream {
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .terminal: "pty"
        }
    }

    private static func varintLength(_ value: Int) -> Int {
        var length = 1
        var rest = value >> 7
        while rest > 0 {
            length += 1
            rest >>= 7
        }
        return length
    }

    private static func write(tag: UInt8, length: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(tag)
        Self.write(varint: length, into: &buffer)
    }

    /// The tag of `offset`: field 1000, a varint.
    private static let offsetTag: [UInt8] = [0xC0, 0x3E]

    private static func write(varint value: Int, into buffer: inout ByteBuffer) {
        var rest = value
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.writeInteger(UInt8(rest))
    }
}
