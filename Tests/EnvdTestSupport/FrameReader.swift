import NIOCore

/// Reads the envelopes of a chunked response, one at a time.
package final class FrameReader {
    package let client: SocketClient
    private var buffer = ByteBuffer()
    private var isAtEnd = false

    /// A reader of the body behind a head that has been read.
    package init(_ client: SocketClient) {
        self.client = client
    }

    /// The next envelope, or nil at the end of the body.
    package func next() async throws -> ConnectFrame? {
        while true {
            if let frame = self.buffer.readFrame() { return frame }
            guard !self.isAtEnd else { return nil }
            if var chunk = try await self.client.chunk() {
                if self.buffer.readableBytes == 0 {
                    self.buffer = chunk
                } else {
                    self.buffer.writeBuffer(&chunk)
                }
            } else {
                self.isAtEnd = true
                _ = try await self.client.line()
            }
        }
    }
}
