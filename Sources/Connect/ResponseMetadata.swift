public import NIOHTTP1
import Synchronization

/// Headers and trailers that a procedure adds to its response.
public final class ResponseMetadata: Sendable {
    private struct State {
        var headers = HTTPHeaders()
        var trailers = HTTPHeaders()
    }

    private let state = Mutex(State())

    init() {}

    /// Sent with the first message of the response, or its end: adding later has no effect.
    public var headers: HTTPHeaders {
        get { self.state.withLock { $0.headers } }
        set { self.state.withLock { $0.headers = newValue } }
    }

    /// Sent at the end, with success and with errors.
    public var trailers: HTTPHeaders {
        get { self.state.withLock { $0.trailers } }
        set { self.state.withLock { $0.trailers = newValue } }
    }
}
