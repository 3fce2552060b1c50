import Connect
package import HTTPTransport
import NIOCore
package import NIOHTTP1

extension HTTPExchange {
    /// Answers with the error object of the plain HTTP routes: `{"code":401,"message":"…"}` and a newline.
    package func respondError(_ status: HTTPResponseStatus, _ message: String) {
        let headers = HTTPHeaders([
            ("Content-Type", "application/json; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
        ])
        let body = "{\"code\":\(status.code),\"message\":\(JSONText.quoted(message))}\n"
        self.respond(status, headers, body: ByteBuffer(string: body))
    }
}
