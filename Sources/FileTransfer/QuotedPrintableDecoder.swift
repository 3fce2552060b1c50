import NIOCore

/// Decodes quoted-printable that comes in pieces; what is malformed stays as it is.
///
/// - SeeAlso: RFC 2045, section 6.7.
struct QuotedPrintableDecoder {
    /// White space that counts only if the line goes on, or an encoded byte that is not complete.
    private var held: [UInt8] = []
    /// Bytes that are held at most; longer white space is content.
    private static let heldLimit = 4096

    /// What `bytes` and those before them mean.
    mutating func decode(_ bytes: ByteBuffer) -> ByteBuffer {
        var output = ByteBuffer()
        output.reserveCapacity(bytes.readableBytes + self.held.count)
        for byte in bytes.readableBytesView { self.take(byte, &output) }
        return output
    }

    /// What is left at the end.
    mutating func finish() -> ByteBuffer? {
        defer { self.held = [] }
        return self.held.isEmpty || Self.isSpace(self.held[0]) ? nil : ByteBuffer(bytes: self.held)
    }

    private mutating func take(_ byte: UInt8, _ output: inout ByteBuffer) {
        if self.held.first == UInt8(ascii: "=") {
            self.held.append(byte)
            self.decodeHeld(&output)
        } else if byte == UInt8(ascii: "=") {
            output.writeBytes(self.held)
            self.held = [byte]
        } else if Self.isSpace(byte) || byte == 0x0D, self.held.count < Self.heldLimit {
            self.held.append(byte)
        } else {
            // White space at the end of a line was added on the way.
            if byte == 0x0A {
                if self.held.last == 0x0D { output.writeInteger(0x0D as UInt8) }
            } else {
                output.writeBytes(self.held)
            }
            self.held = []
            output.writeInteger(byte)
        }
    }

    /// Decodes `=XX`, and drops a `=` at the end of a line.
    private mutating func decodeHeld(_ output: inout ByteBuffer) {
        let rest = self.held.dropFirst()
        if rest.last == 0x0A, rest.dropLast().allSatisfy({ Self.isSpace($0) || $0 == 0x0D }) {
            self.held = []
        } else if rest.allSatisfy({ Self.isSpace($0) || $0 == 0x0D }), rest.count < Self.heldLimit {
            return
        } else if rest.count == 1, Self.digit(rest) != nil {
            return
        } else if rest.count == 2, let value = Self.digit(rest) {
            output.writeInteger(value)
            self.held = []
        } else {
            output.writeBytes(self.held)
            self.held = []
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func digit(_ digits: ArraySlice<UInt8>) -> UInt8? {
        let text = String(decoding: digits, as: UTF8.self)
        return text.first == "+" || text.first == "-" ? nil : UInt8(text, radix: 16)
    }
}
