package import NIOCore

/// One envelope of a Connect stream, as it came.
package struct ConnectFrame: Sendable, Equatable {
    package var flags: UInt8
    package var payload: ByteBuffer

    package init(flags: UInt8, payload: ByteBuffer) {
        self.flags = flags
        self.payload = payload
    }

    package var text: String { String(buffer: self.payload) }
    package var isEnd: Bool { self.flags & 2 != 0 }
}

/// The bytes of an envelope.
package func envelope(_ payload: some Collection<UInt8>, flags: UInt8 = 0) -> [UInt8] {
    let length = UInt32(payload.count)
    return [flags] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + payload
}

/// The bytes of an envelope.
package func envelope(_ payload: String, flags: UInt8 = 0) -> [UInt8] {
    envelope(payload.utf8, flags: flags)
}

/// The envelopes in `bytes`; what is left behind the last whole one is ignored.
package func frames(in bytes: ByteBuffer) -> [ConnectFrame] {
    var bytes = bytes
    var frames: [ConnectFrame] = []
    while let frame = bytes.readFrame() { frames.append(frame) }
    return frames
}

extension ByteBuffer {
    mutating func readFrame() -> ConnectFrame? {
        guard let flags = self.getInteger(at: self.readerIndex, as: UInt8.self),
            let length = self.getInteger(at: self.readerIndex + 1, as: UInt32.self),
            self.readableBytes >= 5 + Int(length)
        else { return nil }
        self.moveReaderIndex(forwardBy: 5)
        return self.readSlice(length: Int(length)).map { ConnectFrame(flags: flags, payload: $0) }
    }
}
