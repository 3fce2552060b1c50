import HTTPTransport
import NIOHTTP1

extension HTTPExchange {
    /// Bytes of the request's body; nil if it does not say.
    var bodyLength: Int? {
        self.request.headers.first(name: "content-length").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
