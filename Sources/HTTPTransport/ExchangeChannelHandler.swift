import NIOCore
import NIOHTTP1

/// Carries exchanges over one HTTP/1.1 connection, one after the other, or one exchange over an HTTP/2 stream.
///
/// The channel's automatic reading is off: this handler reads when somebody wants what comes, and, while a
/// response is under way, to notice a client that leaves. Pipelined requests wait until their turn.
final class ExchangeChannelHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: ServerShared
    private let peer: SocketAddress?
    /// True on an HTTP/2 stream: no pipelining, no keep-alive, no file regions.
    let carriesOneExchange: Bool

    private var context: ChannelHandlerContext?
    private var current: ExchangeCore?
    /// The head has come, but the handler has not been called yet.
    private var awaitsDispatch = false
    private var pipelined = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 1)
    private var unpacksPipelined = false
    private var keepsAlive = true
    private(set) var isDraining = false
    /// The last part of the response has been handed to the socket; set when the connection ends with it.
    private var lastPartSent: EventLoopFuture<Void>?
    /// The connection's output has ended; what still comes in is dropped.
    private var isLingering = false
    private var timing: ConnectionTiming?
    /// The client has sent what cannot be read.
    private var hasSentNonsense = false
    /// Something of a request has come out of the bytes that are being read.
    private var hasReadPart = false

    init(server: ServerShared, peer: SocketAddress?, carriesOneExchange: Bool) {
        self.server = server
        self.peer = peer
        self.carriesOneExchange = carriesOneExchange
    }

    var isWritable: Bool { self.context?.channel.isWritable ?? true }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.close()
    }

    func channelActive(context: ChannelHandlerContext) {
        self.begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.close()
        context.fireChannelInactive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard self.timing == nil else { return }
        if !self.carriesOneExchange {
            self.timing = ConnectionTiming(
                limits: self.server.limits,
                eventLoop: context.eventLoop,
                waitsForClient: { [weak self] in self?.current?.waitsForClient ?? true },
                expire: { [weak self] in self?.abort() }
            )
            let opened = NIODeadline.now()
            self.server.watch(
                context.channel, idleSince: { [weak self] in self?.idleSince },
                lastReceived: { [weak self] in self?.timing?.lastReceived ?? opened })
        }
        context.read()
    }

    /// Since when nothing happens but what the client has to do; nil while it waits for an answer, or for the rest of
    /// one.
    private var idleSince: NIODeadline? {
        guard self.current?.waitsForClient ?? true, let channel = self.context?.channel,
            channel.bytesToSend == 0
        else { return nil }
        return self.timing?.lastActivity
    }

    private func close() {
        self.timing?.stop()
        self.context = nil
        self.pipelined.removeAll()
        let current = self.current
        self.current = nil
        current?.closed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasReadPart = true
        guard !self.isLingering else { return }
        let part = Self.unwrapInboundIn(data)
        if !self.pipelined.isEmpty || (self.current?.requestEnded ?? false) {
            self.pipelined.append(part)
        } else {
            self.take(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.dispatchIfNeeded()
        self.timing?.received()
        // What came was less than a head.
        if self.current == nil, !self.hasReadPart { self.timing?.headBegan() }
        self.hasReadPart = false
        self.readIfWanted()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.timing?.active()
        self.current?.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { self.drain() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let parserError = error as? HTTPParserError
        // One that ends in the midst of a message has left.
        guard parserError != .invalidEOFState, parserError != nil || error is ByteToMessageDecoderError else {
            context.close(promise: nil)
            return
        }
        // Bytes that cannot be read are dropped like all others then.
        guard !self.isLingering else { return }
        self.hasSentNonsense = true
        self.keepsAlive = false
        if let current = self.current {
            // Whoever reads the body answers; who has read all of it does so anyway.
            if current.responseState == .ended { self.endConnection() } else { current.bodyBroke() }
        } else {
            self.refuse(parserError == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest)
            self.endConnection()
        }
    }

    // MARK: Requests

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            guard self.current == nil, self.keepsAlive else { return }
            // As the parser reads it: to it, a coding with a tab behind it is another one.
            let isFramedAsKnown = Self.isFramedAsKnown(head)
            let head = Self.trimmed(head)
            self.keepsAlive = self.carriesOneExchange || Self.allowsAnother(after: head)
            self.timing?.headEnded()
            guard isFramedAsKnown else {
                self.refuse(.notImplemented)
                return self.endConnection()
            }
            self.current = ExchangeCore(request: head, limits: self.server.limits, carrier: self)
            self.awaitsDispatch = true
        case .body(let bytes):
            self.current?.received(bytes)
            guard self.current?.discardsTooMuch == true else { return }
            if self.carriesOneExchange { self.abort() } else { self.endConnection() }
        case .end:
            guard let current = self.current else { return }
            let wasAnswered = current.responseState == .ended
            current.receivedEnd()
            self.dispatchIfNeeded()
            if wasAnswered { self.requestAndResponseEnded() }
        }
    }

    private func dispatchIfNeeded() {
        guard self.awaitsDispatch, let current = self.current, let context = self.context else { return }
        self.awaitsDispatch = false
        let exchange = HTTPExchange(current, peer: self.peer, eventLoop: context.eventLoop)
        self.server.handler.handle(exchange)
    }

    /// Reads from the channel if what may come is wanted: a request, a body, or the client's end.
    func readIfWanted() {
        guard let context = self.context else { return }
        let wanted =
            if self.isLingering {
                true
            } else if let current = self.current {
                current.requestEnded ? self.pipelined.isEmpty : current.wantsBody
            } else {
                self.keepsAlive
            }
        if wanted { context.read() }
    }

    /// Whether the connection can carry another request. One that asks for an upgrade is answered like any
    /// other, but the parser stops behind it.
    private static func allowsAnother(after head: HTTPRequestHead) -> Bool {
        head.version == .http1_1 && head.isKeepAlive && !head.headers.contains(name: "upgrade")
            && head.method != .CONNECT
    }

    /// Whether the body's framing is one that the parser undoes: of what else is named as a transfer coding, it would
    /// give the coded bytes.
    private static func isFramedAsKnown(_ head: HTTPRequestHead) -> Bool {
        let codings = head.headers["transfer-encoding"]
        guard let coding = codings.first else { return true }
        let end = coding.utf8.lastIndex { $0 != UInt8(ascii: " ") }
        return codings.count == 1 && end.map { coding[...$0].lowercased() } == "chunked"
    }

    /// Without blanks behind the values of its headers, which are not part of them; RFC 9110, section 5.5. The parser
    /// leaves out those in front.
    private static func trimmed(_ head: HTTPRequestHead) -> HTTPRequestHead {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard head.headers.contains(where: { $0.value.utf8.last.map(isBlank) ?? false }) else { return head }
        var head = head
        head.headers = HTTPHeaders(
            head.headers.map { name, value in
                (name, String(decoding: value.utf8.reversed().drop(while: isBlank).reversed(), as: UTF8.self))
            })
        return head
    }

    private func requestAndResponseEnded() {
        if self.carriesOneExchange || !self.keepsAlive || self.isDraining {
            if !self.carriesOneExchange { self.endConnection() }
            self.current = nil
            return
        }
        self.current = nil
        self.timing?.active()
        guard !self.unpacksPipelined else { return }
        self.unpacksPipelined = true
        while self.current?.requestEnded != true, let part = self.pipelined.popFirst() { self.take(part) }
        self.unpacksPipelined = false
        self.dispatchIfNeeded()
        self.readIfWanted()
    }

    /// Ends the connection so that the client can read the whole response first: closing a socket while the
    /// client still sends would reset the connection and take the response with it.
    private func endConnection() {
        guard let context = self.context, !self.isLingering else { return }
        self.isLingering = true
        let isComplete = !self.hasSentNonsense && self.current?.requestEnded ?? false
        let channel = context.channel
        let sent = self.lastPartSent ?? context.eventLoop.makeSucceededVoidFuture()
        sent.assumeIsolated().whenComplete { [weak self] _ in
            guard !isComplete else {
                channel.close(promise: nil)
                return
            }
            channel.close(mode: .output, promise: nil)
            self?.timing?.headBegan()
            self?.context?.read()
        }
    }

    private func drain() {
        self.isDraining = true
        if let current = self.current {
            current.drain()
        } else if !self.carriesOneExchange, let context = self.context {
            context.close(promise: nil)
        }
    }

    // MARK: Responses, called by the current exchange

    func writeContinue() {
        self.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
        self.flush()
    }

    func writeHead(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, of exchange: ExchangeCore) {
        var headers = headers
        if !headers.contains(name: "date") { headers.add(name: "Date", value: self.server.date.now()) }
        if !self.carriesOneExchange {
            // A client that still waits for `100 Continue` will not send the body any more.
            if self.isDraining || exchange.continueAwaited { self.keepsAlive = false }
            // The end of chunks would follow the head, which is where the response to HEAD ends.
            if exchange.request.method == .HEAD, !headers.contains(name: "content-length") {
                self.keepsAlive = false
            }
            if !self.keepsAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
        }
        // An HTTP/1.0 client understands no chunks: its response goes to the end of the connection.
        let version = exchange.request.version == .http1_0 ? HTTPVersion.http1_0 : .http1_1
        self.write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
    }

    func write(_ part: HTTPServerResponsePart, promise: EventLoopPromise<Void>? = nil) {
        guard let context = self.context else {
            promise?.fail(HTTPExchangeError.clientGone)
            return
        }
        context.write(Self.wrapOutboundOut(part), promise: promise)
    }

    func flush() {
        self.context?.flush()
    }

    /// Writes the last part of the current exchange's response.
    func writeEnd(_ trailers: HTTPHeaders?, of exchange: ExchangeCore) {
        guard let context = self.context, exchange === self.current else { return }
        let endsChannel =
            !exchange.requestEnded || !self.carriesOneExchange && (!self.keepsAlive || self.isDraining)
        let sent = endsChannel ? context.eventLoop.makePromise(of: Void.self) : nil
        self.lastPartSent = sent?.futureResult
        context.write(Self.wrapOutboundOut(.end(trailers)), promise: sent)
        context.flush()
    }

    /// The current exchange's response has ended, and its request maybe not yet.
    func responseEnded(_ exchange: ExchangeCore) {
        guard exchange === self.current, let context = self.context else { return }
        if exchange.requestEnded {
            self.requestAndResponseEnded()
        } else if self.carriesOneExchange {
            let channel = context.channel
            self.lastPartSent?.assumeIsolated().whenComplete { _ in
                channel.triggerUserOutboundEvent(RequestEnder.RestIsUnwanted(), promise: nil)
            }
        } else if !self.keepsAlive || self.isDraining {
            self.endConnection()
        } else {
            self.readIfWanted()
        }
    }

    func abort() {
        self.context?.close(mode: .all, promise: nil)
    }

    private func refuse(_ status: HTTPResponseStatus) {
        self.keepsAlive = false
        let headers = HTTPHeaders([
            ("Content-Length", "0"), ("Connection", "close"), ("Date", self.server.date.now()),
        ])
        self.write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
        let sent = self.context?.eventLoop.makePromise(of: Void.self)
        self.lastPartSent = sent?.futureResult
        self.write(.end(nil), promise: sent)
        self.flush()
    }
}

extension Channel {
    /// Bytes that have been written and that the socket has not taken.
    var bytesToSend: Int {
        (try? self.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}
