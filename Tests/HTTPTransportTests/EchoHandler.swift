import HTTPTransport
import NIOCore
import NIOHTTP1

/// Answers with the request's body, under the framing that the path asks for.
///
/// `/length` collects first and sends a `Content-Length`, `/chunked` streams each piece as it comes, `/path` sends
/// the path and query instead.
struct EchoHandler: HTTPHandler {
    let executor: EventLoopTaskExecutor

    init(_ eventLoop: any EventLoop) {
        self.executor = EventLoopTaskExecutor(eventLoop)
    }

    func handle(_ exchange: HTTPExchange) {
        Task(executorPreference: self.executor) {
            switch exchange.path {
            case "/length":
                let body = try await exchange.collectBody(upTo: 64 << 20)
                exchange.respond(.ok, ["Content-Type": "application/octet-stream"], body: body)
            case "/chunked":
                exchange.begin(.ok, ["Content-Type": "application/octet-stream"])
                exchange.flush()
                while let bytes = try await exchange.nextBodyChunk() {
                    exchange.write(bytes)
                    exchange.flush()
                    await exchange.writable()
                }
                exchange.end()
            case "/path":
                exchange.respond(.ok, text: "\(exchange.path) \(exchange.query ?? "-")")
            default:
                exchange.respondNotFound()
            }
        }
    }
}
