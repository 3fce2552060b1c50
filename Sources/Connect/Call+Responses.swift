import HTTPTransport
import NIOCore
import NIOHTTP1

extension Call {
    /// Sends the response's head now, before there is a message.
    func sendHead() {
        guard !self.state.value.isFinished, self.wire.isEnveloped else { return }
        self.beginStream()
        self.exchange.flush()
    }

    /// Queues one message and sends it. The only response of a call waits for the call's end.
    func send(_ message: ByteBuffer) throws(ConnectError) {
        guard !self.state.value.isFinished else { throw ConnectError(.canceled, "context canceled") }
        switch self.context.kind {
        case .unary, .clientStream:
            self.state.value.unaryResponse = message
        case .serverStream, .bidirectional:
            self.beginStream()
            self.writeFrame(try self.frame(message))
            self.exchange.flush()
        }
    }

    /// Queues the message that begins behind the free header in `buffer` and ends with `payload`.
    ///
    /// Bulk data is not compressed: a message may always be sent as it is. The buffer is changed in place: a copy of
    /// every message would cost more than all else that is done with it.
    func write(_ buffer: inout ByteBuffer, payload: ByteBuffer?) {
        guard !self.state.value.isFinished else { return }
        self.beginStream()
        let length = buffer.readableBytes - Envelope.headerBytes + (payload?.readableBytes ?? 0)
        Envelope.setHeader([], length: length, in: &buffer)
        if self.wire == .grpcWebText, let payload {
            buffer.writeImmutableBuffer(payload)
            self.writeFrame(buffer)
        } else {
            self.writeFrame(buffer)
            if let payload { self.exchange.write(payload) }
        }
    }

    private func frame(_ message: ByteBuffer) throws(ConnectError) -> ByteBuffer {
        guard let compression = self.encodings.response,
            message.readableBytes >= self.settings.minimumCompressedBytes
        else { return Envelope(flags: [], payload: message).encoded() }
        return Envelope(flags: .compressed, payload: try compression.compress(message)).encoded()
    }

    private func writeFrame(_ frame: ByteBuffer) {
        if self.wire == .grpcWebText {
            let text = Base64.encode(frame.readableBytesView, padding: true)
            self.exchange.write(ByteBuffer(string: text))
        } else {
            self.exchange.write(frame)
        }
    }

    private func beginStream() {
        guard !self.exchange.hasBegun else { return }
        var headers: HTTPHeaders = ["Content-Type": self.contentType.name]
        if let compression = self.encodings.response {
            headers.add(name: self.wire.encodingHeader, value: compression.name)
        }
        self.addAcceptedEncodings(to: &headers)
        headers.add(contentsOf: self.context.response.headers)
        self.exchange.begin(.ok, headers)
    }

    private func addAcceptedEncodings(to headers: inout HTTPHeaders) {
        guard !self.settings.compressionNames.isEmpty else { return }
        headers.add(name: self.wire.acceptEncodingHeader, value: self.settings.compressionNames)
    }

    /// Ends the response as the protocol wants it.
    func writeEnd(_ error: ConnectError?) {
        guard self.wire.isEnveloped else {
            self.respondWhole(error)
            return
        }
        var error = error
        var trailers = self.context.response.trailers
        if let error { trailers.add(contentsOf: error.metadata) }
        self.beginStream()
        if error == nil, let message = self.state.value.unaryResponse {
            do {
                self.writeFrame(try self.frame(message))
            } catch let problem {
                error = problem
            }
        }
        switch self.wire {
        case .connectUnary, .connectStream:
            let json = ByteBuffer(string: ErrorJSON.endOfStream(error, trailers: trailers))
            self.exchange.write(Envelope(flags: .endOfStream, payload: json).encoded())
            self.exchange.end()
        case .grpc:
            self.exchange.end(trailers: GRPCStatus.trailers(error, trailers))
        case .grpcWeb, .grpcWebText:
            let lines = ByteBuffer(string: GRPCStatus.lines(GRPCStatus.trailers(error, trailers)))
            self.writeFrame(Envelope(flags: .trailers, payload: lines).encoded())
            self.exchange.end()
        }
    }

    /// Headers that a unary response has anyway, and some of the policies around it.
    private static let ownHeaders = 8

    /// Sends the head of a unary call whose response is sent in pieces, unless it is sent already.
    func beginUnary() {
        guard !self.exchange.hasBegun else { return }
        self.exchange.begin(.ok, self.unaryHeaders())
    }

    private func unaryHeaders() -> HTTPHeaders {
        var headers = self.context.response.headers
        headers.reserveCapacity(headers.count + Self.ownHeaders)
        self.addAcceptedEncodings(to: &headers)
        for (name, value) in self.context.response.trailers {
            headers.add(name: "Trailer-\(name)", value: value)
        }
        headers.replaceOrAdd(name: "Content-Type", value: self.contentType.name)
        return headers
    }

    /// The response of Connect's unary calls, head and body in one write; if it was begun already, its end.
    private func respondWhole(_ error: ConnectError?) {
        guard !self.exchange.hasBegun else {
            if error == nil { self.exchange.end() } else { self.exchange.abort() }
            return
        }
        var headers = self.unaryHeaders()
        if let error {
            headers.add(contentsOf: error.metadata)
            headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            let body = ByteBuffer(string: ErrorJSON.error(error))
            self.exchange.respond(error.code.httpStatus, headers, body: body)
            return
        }
        var body = self.state.value.unaryResponse ?? ByteBuffer()
        if let compression = self.encodings.response,
            body.readableBytes >= self.settings.minimumCompressedBytes,
            let compressed = try? compression.compress(body)
        {
            headers.add(name: "Content-Encoding", value: compression.name)
            body = compressed
        }
        self.exchange.respond(.ok, headers, body: body)
    }
}
