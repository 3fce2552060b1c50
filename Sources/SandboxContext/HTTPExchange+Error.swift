import Connect
package import HTTPTransport
import NIOCore
package import NIOHTTP1

extension HTTPExchange {
    /// Answers with the error object of the plain HTTP routes: `{"code":401,"message":"…"}` and a newline.
    ///
    /// - Parameter more: Headers besides its own.
    package func respondError(
        _ status: HTTPResponseStatus, _ message: String, _ more: HTTPHeaders = [:]
    ) {
        var headers = more
        headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
        headers.add(name: "X-Content-Type-Options", value: "nosniff")
        let body = "{\"code\":\(status.code),\"message\":\(JSONText.quoted(message))}\n"
        self.respond(status, headers, body: ByteBuffer(string: body))
    }
}
