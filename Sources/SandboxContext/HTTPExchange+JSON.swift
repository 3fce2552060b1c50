package import HTTPTransport
import NIOCore
import NIOHTTP1

extension HTTPExchange {
    /// Answers a control route with one JSON object and a newline. It is not to be cached.
    package func respondJSON(_ json: String) {
        let headers = HTTPHeaders([("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        self.respond(.ok, headers, body: ByteBuffer(string: json + "\n"))
    }

    /// Answers a control route that has nothing to say: 204, not to be cached.
    package func respondDone() {
        self.respond(.noContent, ["Cache-Control": "no-store"])
    }
}
