import SwiftProtobuf
import SystemPackage

/// The two messages between the runner and the program, unbuffered.
///
/// Layout: a big-endian 32-bit length, then that many bytes of binary protobuf.
enum StandardStreams {
    enum Problem: Error {
        case unexpectedEnd
        case tooLong(bytes: Int)
    }

    private static let lengthBytes = 4
    /// Bytes of one message at most.
    private static let limit = 1 << 20

    /// The message on standard input.
    static func read<M: Message>() throws -> M {
        let length = try Self.read(count: Self.lengthBytes).reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.limit else { throw Problem.tooLong(bytes: length) }
        return try M(serializedBytes: try Self.read(count: length))
    }

    private static func read(count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try [UInt8](unsafeUninitializedCapacity: count - bytes.count) { buffer, length in
                length = try FileDescriptor.standardInput.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            guard !piece.isEmpty else { throw Problem.unexpectedEnd }
            bytes += piece
        }
        return bytes
    }

    /// Sends `message` on standard output, in one write.
    static func write(_ message: some Message) throws {
        let bytes: [UInt8] = try message.serializedBytes()
        let length = withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
        try FileDescriptor.standardOutput.writeAll(length + bytes)
    }
}
