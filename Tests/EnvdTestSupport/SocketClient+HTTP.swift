package import NIOCore

/// What a server sent that is not HTTP.
package struct MalformedReply: Error {
    package var line: String
}

extension SocketClient {
    /// A response's head.
    package func head() async throws -> HTTPReplyHead {
        let line = try await self.line()
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let status = Int(parts[1]) else { throw MalformedReply(line: line) }
        return HTTPReplyHead(version: String(parts[0]), status: status, fields: try await self.fields())
    }

    private func fields() async throws -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        while true {
            let line = try await self.line()
            if line.isEmpty { return fields }
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else {
                throw MalformedReply(line: line)
            }
            let value = line[line.utf8.index(after: colon)...]
            fields.append((line[..<colon].lowercased(), String(value.drop { $0 == " " })))
        }
    }

    /// A response: its body is as long as its head says, or goes to the end of the connection.
    package func reply(toHead isForHead: Bool = false) async throws -> HTTPReply {
        let head = try await self.head()
        var reply = HTTPReply(head: head, body: ByteBuffer())
        if isForHead || head.status == 204 || head.status == 304 || head.status < 200 { return reply }
        if let length = head["content-length"].flatMap({ Int($0) }) {
            reply.body = try await self.bytes(length)
        } else if head["transfer-encoding"] == "chunked" {
            while var chunk = try await self.chunk() { reply.body.writeBuffer(&chunk) }
            reply.trailers = try await self.fields()
        } else {
            reply.body = try await self.rest()
        }
        return reply
    }

    /// The next chunk of a chunked body, or nil at its last; the trailers come then.
    package func chunk() async throws -> ByteBuffer? {
        let line = try await self.line()
        guard let length = Int(line, radix: 16) else { throw MalformedReply(line: line) }
        if length == 0 { return nil }
        let chunk = try await self.bytes(length)
        guard try await self.line().isEmpty else { throw MalformedReply(line: "no end of a chunk") }
        return chunk
    }

    /// Sends a request with a `Content-Length`, and returns the response.
    package func request(
        _ method: String, _ path: String, _ fields: [String] = [], body: [UInt8]? = nil
    ) async throws -> HTTPReply {
        try await self.sendRequest(method, path, fields, body: body)
        return try await self.reply(toHead: method == "HEAD")
    }

    /// Sends a request with a `Content-Length`.
    package func sendRequest(
        _ method: String, _ path: String, _ fields: [String] = [], body: [UInt8]? = nil
    ) async throws {
        var fields = ["Host: test"] + fields
        if let body { fields.append("Content-Length: \(body.count)") }
        let head = "\(method) \(path) HTTP/1.1\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
        try await self.send(Array(head.utf8) + (body ?? []))
    }
}
