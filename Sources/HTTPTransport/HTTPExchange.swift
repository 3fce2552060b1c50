public import NIOCore
public import NIOHTTP1

/// One request and its response.
///
/// Everything but the constants belongs to the exchange's event loop and must be called there; asynchronous
/// code gets there by preferring an ``EventLoopTaskExecutor``. After the client has gone, writing does
/// nothing and reading fails.
public final class HTTPExchange: Sendable {
    private let core: NIOLoopBound<ExchangeCore>

    /// The request's line and headers.
    public let request: HTTPRequestHead
    /// The request target's path as sent, still percent-encoded.
    public let path: String
    /// What follows the first `?` of the request target, as sent.
    public let query: String?
    /// The client's address.
    public let peer: SocketAddress?
    /// The loop that all calls are made on.
    public let eventLoop: any EventLoop

    init(_ core: ExchangeCore, peer: SocketAddress?, eventLoop: any EventLoop) {
        self.core = NIOLoopBound(core, eventLoop: eventLoop)
        self.request = core.request
        (self.path, self.query) = Self.split(core.request.uri)
        self.peer = peer
        self.eventLoop = eventLoop
    }

    /// Splits a request target in origin or absolute form (RFC 9112, section 3.2).
    static func split(_ target: String) -> (path: String, query: String?) {
        var target = Substring(target)
        if !target.utf8.starts(with: "/".utf8), let scheme = target.range(of: "://") {
            let rest = target[scheme.upperBound...]
            target =
                rest.utf8.firstIndex(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") })
                .map { rest[$0...] } ?? "/"
            if target.utf8.first == UInt8(ascii: "?") { target = "/" + target }
        }
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (String(target), nil) }
        return (String(target[..<mark]), String(target[target.utf8.index(after: mark)...]))
    }

    // MARK: Request body

    /// Reads on: the next bytes of the body, or nil at its end.
    ///
    /// The body is taken from the client only as fast as it is read here. One reader at a time.
    public func readBody(_ reader: @escaping (Result<ByteBuffer?, HTTPExchangeError>) -> Void) {
        self.core.value.readBody(reader)
    }

    /// The next bytes of the body, or nil at its end.
    public func nextBodyChunk() async throws(HTTPExchangeError) -> ByteBuffer? {
        if let here = self.core.value.bodyHere() { return try here.get() }
        let result = await withCheckedContinuation { continuation in
            self.core.value.readBody { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The whole body.
    ///
    /// - Throws: ``HTTPExchangeError/bodyTooLarge(limit:)`` as soon as it is longer than `limit` bytes.
    public func collectBody(upTo limit: Int) async throws(HTTPExchangeError) -> ByteBuffer {
        guard var body = try await self.nextBodyChunk() else { return ByteBuffer() }
        while body.readableBytes <= limit {
            guard var chunk = try await self.nextBodyChunk() else { return body }
            body.writeBuffer(&chunk)
        }
        throw .bodyTooLarge(limit: limit)
    }

    // MARK: Response

    /// Whether the response's head has been written.
    public var hasBegun: Bool { self.core.value.responseState != .notBegun }

    /// Whether nobody takes anything any more: the client has gone, or the response has ended.
    public var isOver: Bool { self.core.value.isGone || self.core.value.responseState == .ended }

    /// Adds a header that every response to this request gets unless it sets the same name itself.
    public func addCommonHeader(_ name: String, _ value: String) {
        self.core.value.commonHeaders.append((name, value))
    }

    /// Sends a complete response in one write.
    public func respond(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:], body: ByteBuffer? = nil) {
        let core = self.core.value
        guard core.responseState == .notBegun else { return }
        var headers = headers
        if status != .noContent, status != .notModified {
            headers.replaceOrAdd(name: "Content-Length", value: String(body?.readableBytes ?? 0))
        }
        core.writeHead(status, headers)
        if let body { core.write(body) }
        core.end(nil)
    }

    /// Sends the response's head with the next flush. Without a `Content-Length` the body is chunked.
    public func begin(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        self.core.value.writeHead(status, headers)
    }

    /// Queues bytes of the body for the next flush.
    ///
    /// `promise` succeeds when the kernel has taken them.
    public func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        self.core.value.write(bytes, promise: promise)
    }

    /// Whether ``write(file:promise:)`` works: it does on HTTP/1.1.
    public var supportsFileRegions: Bool { self.core.value.supportsFileRegions }

    /// Queues part of a file, which goes from the page cache to the socket without a copy (sendfile(2)).
    ///
    /// `promise` succeeds when the region has been sent, and then its descriptor may be closed.
    public func write(file: FileRegion, promise: EventLoopPromise<Void>?) {
        self.core.value.write(file, promise: promise)
    }

    /// Sends what is queued.
    public func flush() {
        self.core.value.flush()
    }

    /// Ends the response and sends what is queued.
    public func end(trailers: HTTPHeaders? = nil) {
        self.core.value.end(trailers)
    }

    /// Breaks off: closes the connection, or resets the stream, so that the client sees an incomplete response.
    public func abort() {
        self.core.value.abort()
    }

    /// Whether the client takes more now; if not, producers wait for ``whenWritable(_:)``.
    public var isWritable: Bool { self.core.value.isWritable }

    /// Calls `waiter` once: when more may be written, or when the exchange is over.
    public func whenWritable(_ waiter: @escaping () -> Void) {
        self.core.value.whenWritable(waiter)
    }

    /// Returns when more may be written, or when the exchange is over.
    public func writable() async {
        await withCheckedContinuation { continuation in
            self.core.value.whenWritable { continuation.resume() }
        }
    }

    // MARK: Events

    /// Calls `observer` once: with nil when the response has ended, with an error when the client went first.
    public func whenEnded(_ observer: @escaping (HTTPExchangeError?) -> Void) {
        self.core.value.whenEnded(observer)
    }

    /// Calls `observer` when the server shuts down and a response without an end of its own should end.
    public func whenDraining(_ observer: @escaping () -> Void) {
        self.core.value.whenDraining(observer)
    }
}

extension Substring {
    /// The first place where `other` stands, compared as bytes.
    fileprivate func range(of other: StaticString) -> Range<Index>? {
        let needle = Array("\(other)".utf8)
        var start = self.utf8.startIndex
        while start != self.utf8.endIndex {
            if self.utf8[start...].starts(with: needle) {
                return start..<self.utf8.index(start, offsetBy: needle.count)
            }
            start = self.utf8.index(after: start)
        }
        return nil
    }
}
