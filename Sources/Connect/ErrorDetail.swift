public import SwiftProtobuf

/// A typed detail of an error: a message and the name of its type.
public struct ErrorDetail: Sendable, Equatable {
    /// The message's full name, as `google.rpc.RetryInfo`.
    public var type: String
    /// The message in binary form.
    public var value: [UInt8]

    /// The detail of a type that is known by name only.
    public init(type: String, value: [UInt8]) {
        self.type = type
        self.value = value
    }

    /// `message` as a detail.
    ///
    /// - Throws: what SwiftProtobuf throws if a required field is missing.
    public init(_ message: any Message) throws {
        self.init(type: Swift.type(of: message).protoMessageName, value: try message.serializedBytes())
    }
}
