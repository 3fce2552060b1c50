import NIOCore
import NIOHTTP1

/// How `/init` ended.
struct InitAnswer: Error, Equatable {
    var status: HTTPResponseStatus
    /// For people; without an end of line.
    var text: String?

    /// All is as the request says.
    static let done = InitAnswer(status: .noContent)
    /// The body cannot be read, or is not what it must be.
    static let malformed = InitAnswer(status: .badRequest)
    /// The body is longer than it may be.
    static let tooLarge = InitAnswer(status: .payloadTooLarge)
    /// Others send so much that this one has to come again.
    static let tooManyBodies = InitAnswer(status: .serviceUnavailable)
    /// The client left before it was its turn.
    static let cancelled = InitAnswer(status: .serviceUnavailable)

    init(status: HTTPResponseStatus, text: String? = nil) {
        self.status = status
        self.text = text
    }

    var headers: HTTPHeaders {
        if self.status == .noContent { return ["Cache-Control": "no-store"] }
        return self.text == nil ? [:] : ["Content-Type": "text/plain; charset=utf-8"]
    }

    var body: ByteBuffer? { self.text.map { ByteBuffer(string: $0) } }
}
