public import NIOCore
public import SwiftProtobuf

/// How messages are turned into bytes and back.
public protocol Codec: Sendable {
    /// The name in content types and in the `encoding` parameter of a GET: `proto`, `json`, ….
    var name: String { get }

    /// The bytes of `message`.
    func encode(_ message: some Message) throws -> ByteBuffer

    /// The message in `bytes`.
    ///
    /// Unknown fields are not an error, so that clients may be newer than the server.
    func decode<M: Message>(_ type: M.Type, from bytes: ByteBuffer) throws -> M
}

/// Protobuf's binary format.
public struct ProtoCodec: Codec {
    /// `proto`.
    public var name: String { "proto" }

    /// The codec.
    public init() {}

    /// The message in binary form.
    public func encode(_ message: some Message) throws -> ByteBuffer {
        try (message.serializedBytes() as MessageBytes).buffer
    }

    /// A message from its binary form.
    public func decode<M: Message>(_ type: M.Type, from bytes: ByteBuffer) throws -> M {
        try M(serializedBytes: MessageBytes(buffer: bytes))
    }
}

/// Protobuf's JSON mapping.
public struct JSONCodec: Codec {
    /// `json`.
    public var name: String { "json" }

    /// The codec.
    public init() {}

    /// The message as JSON.
    public func encode(_ message: some Message) throws -> ByteBuffer {
        try (message.jsonUTF8Bytes() as MessageBytes).buffer
    }

    /// A message from JSON; an empty text is not one.
    public func decode<M: Message>(_ type: M.Type, from bytes: ByteBuffer) throws -> M {
        guard bytes.readableBytes > 0 else { throw EmptyJSON() }
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        let message = try M(jsonUTF8Bytes: MessageBytes(buffer: bytes), options: options)
        // The library takes any number of 64 bits for a value of an enumeration.
        var range = EnumRange()
        try message.traverse(visitor: &range)
        return message
    }

    private struct EmptyJSON: Error, CustomStringConvertible {
        var description: String { "zero-length payload is not a valid JSON object" }
    }
}

extension Codec {
    /// Decodes a request, and reports what is wrong with it as the client's error.
    func decodeRequest<M: Message>(_ type: M.Type, from bytes: ByteBuffer) throws(ConnectError) -> M {
        do {
            return try self.decode(type, from: bytes)
        } catch {
            throw ConnectError(
                .invalidArgument,
                "unmarshal message: unmarshal into *\(M.protoMessageName): \(error)",
                cause: error
            )
        }
    }

    /// Encodes a response; that it cannot be encoded is the server's error.
    func encodeResponse(_ message: some Message) throws(ConnectError) -> ByteBuffer {
        do {
            return try self.encode(message)
        } catch {
            throw ConnectError(.internalError, "marshal message: \(error)", cause: error)
        }
    }
}
