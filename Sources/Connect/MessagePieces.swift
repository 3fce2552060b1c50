import HTTPTransport
import NIOConcurrencyHelpers
public import NIOCore
public import SwiftProtobuf

/// The only response of a call, encoded by its procedure, piece by piece: for responses that are too large to be held
/// as messages.
///
/// In Connect's unary protocol, what is more than ``ConnectLimits/heldResponseBytes`` is sent while it is made, as fast
/// as the client takes it. The other protocols say a message's length before it, so that it has to be held there; see
/// ``ConnectLimits/envelopedResponseBytes``.
public struct MessagePieces<Response: Message>: Sendable {
    let next: @Sendable () async throws -> ByteBuffer?

    /// A response in the codec of the call.
    ///
    /// - Parameter next: makes the next bytes of the message; nil at its end. When it fails with bytes on their way
    ///   already, the client sees a response that breaks off.
    public init(_ next: @escaping @Sendable () async throws -> ByteBuffer?) {
        self.next = next
    }

    /// Bytes of a response that go on their way at once.
    private static var pieceBytes: Int { 256 << 10 }

    /// A response that was encoded elsewhere, with ``RPCContext/encode(_:)``.
    public init(encoded response: ByteBuffer) {
        let rest = NIOLockedValueBox(response)
        self.next = {
            rest.withLockedValue { rest in
                guard rest.readableBytes > 0 else { return nil }
                return rest.readSlice(length: min(rest.readableBytes, Self.pieceBytes))
            }
        }
    }
}

extension Call {
    /// Sends the only response of the call.
    func send<Response>(_ pieces: MessagePieces<Response>) async throws {
        let limits = self.settings.limits
        var held = ByteBuffer()
        while let piece = try await pieces.next() {
            guard !self.isFinished else { throw ConnectError(.canceled, "context canceled") }
            held.writeImmutableBuffer(piece)
            if self.wire.isEnveloped {
                guard held.readableBytes <= limits.envelopedResponseBytes else {
                    throw ConnectError(
                        .resourceExhausted,
                        "the response is larger than \(limits.envelopedResponseBytes) bytes: ask for less of it"
                    )
                }
            } else if self.exchange.hasBegun || held.readableBytes > limits.heldResponseBytes {
                self.beginUnary()
                self.exchange.write(held)
                self.exchange.flush()
                held = ByteBuffer()
                await self.writable()
            }
        }
        guard !self.isFinished else { throw ConnectError(.canceled, "context canceled") }
        if self.exchange.hasBegun {
            self.exchange.write(held)
        } else {
            try self.send(held)
        }
    }
}
