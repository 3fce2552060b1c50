package import NIOCore

/// A whole HTTP/1 response.
package struct HTTPReply: Sendable {
    package var head: HTTPReplyHead
    package var body: ByteBuffer
    package var trailers: [(name: String, value: String)] = []

    package var status: Int { self.head.status }
    package var text: String { String(buffer: self.body) }

    package subscript(name: String) -> String? { self.head[name] }
}
