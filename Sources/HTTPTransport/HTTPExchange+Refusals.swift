import NIOCore
public import NIOHTTP1

extension HTTPExchange {
    /// Answers with a line of plain text.
    public func respond(_ status: HTTPResponseStatus, text: String) {
        let headers = HTTPHeaders([
            ("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
        ])
        self.respond(status, headers, body: ByteBuffer(string: text))
    }

    /// 404, as for any path without a route.
    public func respondNotFound() {
        self.respond(.notFound, text: "404 page not found\n")
    }

    /// 405 with one `Allow` header for each method that the path has.
    public func respondMethodNotAllowed(allowed: [HTTPMethod]) {
        self.respond(.methodNotAllowed, HTTPHeaders(allowed.map { ("Allow", $0.rawValue) }))
    }
}
