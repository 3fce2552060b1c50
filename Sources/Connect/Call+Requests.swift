import HTTPTransport
import NIOCore

extension Call {
    /// The bytes of the next request message, or nil at the end.
    func receive() async throws(ConnectError) -> ByteBuffer? {
        if self.wire.isEnveloped { return try await self.receiveEnvelope() }
        return try await self.receiveWhole()
    }

    /// The bytes of the only request message.
    func receiveOne() async throws(ConnectError) -> ByteBuffer {
        guard let message = try await self.receive() else {
            throw ConnectError(.unimplemented, "unary request has zero messages")
        }
        if self.wire.isEnveloped, try await self.receive() != nil {
            throw ConnectError(.unimplemented, "unary request has multiple messages")
        }
        return message
    }

    /// The message of Connect's unary calls: the body, or what the query of a GET had.
    private func receiveWhole() async throws(ConnectError) -> ByteBuffer? {
        guard !self.state.value.isBodyAtEnd else { return nil }
        self.state.value.isBodyAtEnd = true
        let limit = self.settings.limits.messageBytes(of: self.context.kind)
        let message: ByteBuffer
        if let fromQuery = self.state.value.getMessage {
            self.state.value.getMessage = nil
            message = fromQuery
        } else {
            let bodyLimit = self.encodings.request == nil ? limit : ConnectLimits.compressed(limit)
            do {
                message = try await self.exchange.collectBody(upTo: bodyLimit)
            } catch {
                throw Self.error(error)
            }
        }
        guard let compression = self.encodings.request else { return message }
        return try compression.decompress(message, limit: limit)
    }

    private func receiveEnvelope() async throws(ConnectError) -> ByteBuffer? {
        while true {
            if let envelope = try self.state.value.decoder.next() {
                if let payload = try self.payload(of: envelope) { return payload }
                continue
            }
            guard !self.state.value.isBodyAtEnd else {
                try self.state.value.decoder.finish()
                return nil
            }
            try await self.readBody()
        }
    }

    private func readBody() async throws(ConnectError) {
        let bytes: ByteBuffer?
        do {
            bytes = try await self.exchange.nextBodyChunk()
        } catch {
            throw Self.error(error)
        }
        if var bytes {
            if self.wire == .grpcWebText { bytes = try self.state.value.text.decode(bytes) }
            self.state.value.decoder.append(bytes)
        } else {
            self.state.value.isBodyAtEnd = true
            if self.wire == .grpcWebText {
                self.state.value.decoder.append(try self.state.value.text.finish())
            }
        }
    }

    /// What is in an envelope; nil if it only ends the stream.
    private func payload(of envelope: Envelope) throws(ConnectError) -> ByteBuffer? {
        switch self.wire {
        case .connectStream where envelope.flags.contains(.endOfStream): return nil
        case .grpcWeb where envelope.flags.contains(.trailers): return nil
        case .grpcWebText where envelope.flags.contains(.trailers): return nil
        default: break
        }
        guard envelope.flags.isSubset(of: .compressed) else {
            throw ConnectError(
                .internalError, "protocol error: invalid envelope flags \(envelope.flags.rawValue)")
        }
        guard envelope.flags.contains(.compressed) else { return envelope.payload }
        guard let compression = self.encodings.request else {
            throw ConnectError(
                .internalError, "protocol error: sent compressed message without compression support")
        }
        let limit = self.settings.limits.messageBytes(of: self.context.kind)
        return try compression.decompress(envelope.payload, limit: limit)
    }

    private static func error(_ error: HTTPExchangeError) -> ConnectError {
        switch error {
        case .clientGone, .responseEnded:
            ConnectError(.canceled, "context canceled", cause: error)
        case .malformedBody:
            ConnectError(.invalidArgument, "malformed chunked encoding", cause: error)
        case .bodyTooLarge(let limit):
            ConnectError(.resourceExhausted, "message size is larger than configured max \(limit)")
        }
    }
}
