import NIOCore
import NIOHTTP1

/// The loop-bound half of an ``HTTPExchange``: one request's body and one response's progress.
///
/// Bytes come in from the ``ExchangeChannelHandler`` that carries the exchange and wait here until somebody
/// reads them; the response goes out through it.
final class ExchangeCore {
    enum ResponseState {
        case notBegun, begun, ended
    }

    let request: HTTPRequestHead
    private let limits: HTTPLimits
    /// Nil once the connection or stream is gone.
    private var carrier: ExchangeChannelHandler?

    private(set) var responseState = ResponseState.notBegun
    private(set) var requestEnded = false
    /// Headers that every response to this request gets.
    var commonHeaders: [(String, String)] = []
    /// Whether the client waits for `100 Continue` before it sends the body.
    private(set) var continueAwaited: Bool

    /// Small pieces of the response's body that wait for the next flush.
    private var gathered = ByteBuffer()
    /// Small at first: there is one for every request.
    private var body = CircularBuffer<ByteBuffer>(initialCapacity: 1)
    private(set) var bodyBytes = 0
    private var bodyIsMalformed = false
    /// The client went away, and with it what had come and was not read.
    private var bodyIsLost = false
    private var bodyReader: ((Result<ByteBuffer?, HTTPExchangeError>) -> Void)?
    private var writabilityWaiters: [() -> Void] = []
    private var endObservers: [(HTTPExchangeError?) -> Void] = []
    private var drainObserver: (() -> Void)?

    init(request: HTTPRequestHead, limits: HTTPLimits, carrier: ExchangeChannelHandler) {
        self.request = request
        self.limits = limits
        self.carrier = carrier
        self.continueAwaited =
            request.version != .http1_0
            && request.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    var isGone: Bool { self.carrier == nil }
    var isWritable: Bool { self.carrier?.isWritable ?? true }
    var supportsFileRegions: Bool { self.carrier?.carriesOneExchange == false }

    // MARK: Request body

    /// Whether the exchange stands still until the client sends something: what is read, or what nobody reads any more.
    var waitsForClient: Bool {
        !self.requestEnded && (self.bodyReader != nil || self.responseState == .ended)
    }

    /// Whether more of the body should be read from the client now.
    var wantsBody: Bool {
        !self.requestEnded && !self.continueAwaited && !self.bodyIsMalformed
            && (self.responseState == .ended || self.bodyBytes < self.limits.bodyReadAhead)
    }

    func received(_ bytes: ByteBuffer) {
        guard self.responseState != .ended else {
            self.bodyBytes += bytes.readableBytes  // Counts what is discarded.
            return
        }
        if let reader = self.bodyReader {
            self.bodyReader = nil
            reader(.success(bytes))
        } else {
            self.bodyBytes += bytes.readableBytes
            self.body.append(bytes)
        }
    }

    func receivedEnd() {
        self.requestEnded = true
        self.continueAwaited = false
        if let reader = self.bodyReader {
            self.bodyReader = nil
            reader(.success(nil))
        }
    }

    /// What comes of the body cannot be read any more.
    func bodyBroke() {
        self.bodyIsMalformed = true
        let reader = self.bodyReader
        self.bodyReader = nil
        reader?(.failure(.malformedBody))
    }

    /// Whether the client sends more unwanted body than is worth reading.
    var discardsTooMuch: Bool {
        self.responseState == .ended && self.bodyBytes > self.limits.discardedBodyBytes
    }

    /// The next bytes of the body, or nil at its end, if no more has to come for that; else nil.
    func bodyHere() -> Result<ByteBuffer?, HTTPExchangeError>? {
        if let bytes = self.body.popFirst() {
            self.bodyBytes -= bytes.readableBytes
            if !self.requestEnded { self.carrier?.readIfWanted() }
            return .success(bytes)
        }
        if self.bodyIsLost { return .failure(.clientGone) }
        if self.requestEnded { return .success(nil) }
        if self.bodyIsMalformed { return .failure(.malformedBody) }
        if self.carrier == nil { return .failure(.clientGone) }
        return self.responseState == .ended ? .failure(.responseEnded) : nil
    }

    /// Gives the next bytes of the body, or nil at its end, to `reader`: now if they are here.
    func readBody(_ reader: @escaping (Result<ByteBuffer?, HTTPExchangeError>) -> Void) {
        if let here = self.bodyHere() {
            reader(here)
        } else {
            precondition(self.bodyReader == nil, "a request body has one reader at a time")
            self.bodyReader = reader
            if self.continueAwaited {
                self.continueAwaited = false
                if self.responseState == .notBegun { self.carrier?.writeContinue() }
            }
            self.carrier?.readIfWanted()
        }
    }

    // MARK: Response

    func writeHead(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        guard self.responseState == .notBegun else { return }
        self.responseState = .begun
        var headers = headers
        for (name, value) in self.commonHeaders where !headers.contains(name: name) {
            headers.add(name: name, value: value)
        }
        self.carrier?.writeHead(status, headers, of: self)
    }

    /// Whether the response has only a head.
    private var omitsBody: Bool { self.request.method == .HEAD }

    /// Bytes up to which a piece of the body is copied, to go out with its neighbours: a chunk or frame of its own would
    /// cost more.
    private static let smallPiece = 512
    /// Bytes of small pieces after which a chunk is made.
    private static let gatheredPieces = 4 << 10

    func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        let isGathered = promise == nil && bytes.readableBytes <= Self.smallPiece
        guard isGathered, self.responseState == .begun, !self.omitsBody else {
            self.write(.byteBuffer(bytes), promise)
            return
        }
        self.gathered.writeImmutableBuffer(bytes)
        if self.gathered.readableBytes >= Self.gatheredPieces { self.writeGathered() }
    }

    private func writeGathered() {
        guard self.gathered.readableBytes > 0 else { return }
        let bytes = self.gathered
        self.gathered = ByteBuffer()
        self.carrier?.write(.body(.byteBuffer(bytes)))
    }

    func write(_ file: FileRegion, promise: EventLoopPromise<Void>?) {
        self.write(.fileRegion(file), promise)
    }

    private func write(_ part: IOData, _ promise: EventLoopPromise<Void>?) {
        guard self.responseState == .begun, let carrier = self.carrier else {
            promise?.fail(HTTPExchangeError.clientGone)
            return
        }
        guard !self.omitsBody, part.readableBytes > 0 else {
            promise?.succeed()
            return
        }
        self.writeGathered()
        carrier.write(.body(part), promise: promise)
    }

    func flush() {
        self.writeGathered()
        self.carrier?.flush()
    }

    func end(_ trailers: HTTPHeaders?) {
        guard self.responseState == .begun else { return }
        self.writeGathered()
        self.responseState = .ended
        let carrier = self.carrier
        carrier?.writeEnd(trailers, of: self)
        self.finish(nil)
        carrier?.responseEnded(self)
    }

    /// Closes the connection (or resets the stream) without ending the response.
    func abort() {
        self.carrier?.abort()
    }

    // MARK: Events

    /// Calls `observer` once when the response ended (nil) or the client went away.
    func whenEnded(_ observer: @escaping (HTTPExchangeError?) -> Void) {
        if self.responseState == .ended {
            observer(nil)
        } else if self.carrier == nil {
            observer(.clientGone)
        } else {
            self.endObservers.append(observer)
        }
    }

    /// Calls `waiter` once when more may be written, or when nothing can be any more.
    func whenWritable(_ waiter: @escaping () -> Void) {
        if self.isWritable || self.responseState == .ended {
            waiter()
        } else {
            self.writabilityWaiters.append(waiter)
        }
    }

    /// Calls `observer` when the server wants its long responses to end soon.
    func whenDraining(_ observer: @escaping () -> Void) {
        if self.carrier?.isDraining == true {
            observer()
        } else {
            self.drainObserver = observer
        }
    }

    func writabilityChanged() {
        guard self.isWritable, !self.writabilityWaiters.isEmpty else { return }
        let waiters = self.writabilityWaiters
        self.writabilityWaiters = []
        for waiter in waiters { waiter() }
    }

    func drain() {
        self.drainObserver?()
        self.drainObserver = nil
    }

    /// The connection or stream is gone.
    func closed() {
        guard self.carrier != nil else { return }
        self.carrier = nil
        self.bodyIsLost = !self.body.isEmpty || !self.requestEnded
        if self.responseState != .ended { self.finish(.clientGone) }
    }

    /// Tells everybody who waits for something of this exchange that it is over.
    private func finish(_ error: HTTPExchangeError?) {
        let observers = self.endObservers
        let waiters = self.writabilityWaiters
        let reader = self.bodyReader
        self.endObservers = []
        self.writabilityWaiters = []
        self.bodyReader = nil
        self.drainObserver = nil
        self.body.removeAll()
        self.bodyBytes = 0
        reader?(.failure(error ?? .responseEnded))
        // Observers first: who waits for room should know that there is nobody to write for.
        for observer in observers { observer(error) }
        for waiter in waiters { waiter() }
        if error == nil { self.detachUnlessDiscarding() }
    }

    private func detachUnlessDiscarding() {
        if self.requestEnded { self.carrier = nil }
    }
}
