import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP2

/// The open streams of one HTTP/2 connection, so that a shutdown reaches each of them.
final class ConnectionStreams: NIOHTTP2StreamDelegate {
    private let management: NIOHTTP2ServerConnectionManagementHandler.HTTP2StreamDelegate
    private let streams = NIOLockedValueBox<[HTTP2StreamID: any Channel]>([:])
    private let lastClosed = NIOLockedValueBox(NIODeadline.now())

    init(management: NIOHTTP2ServerConnectionManagementHandler.HTTP2StreamDelegate) {
        self.management = management
    }

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        self.streams.withLockedValue { $0[id] = channel }
        self.management.streamCreated(id, channel: channel)
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        self.streams.withLockedValue { $0[id] = nil }
        self.lastClosed.withLockedValue { $0 = .now() }
        self.management.streamClosed(id, channel: channel)
    }

    /// Since when there is no stream; nil while there is one.
    var idleSince: NIODeadline? {
        self.streams.withLockedValue { $0.isEmpty } ? self.lastClosed.withLockedValue { $0 } : nil
    }

    /// Tells every stream that the connection is to end.
    func drain() {
        for channel in self.streams.withLockedValue({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }
}

/// The last handler of an HTTP/2 connection: passes a shutdown on to the streams, ends broken connections, and knows when
/// bytes came.
final class ConnectionReader: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let streams: ConnectionStreams
    private(set) var lastReceived = NIODeadline.now()

    init(streams: ConnectionStreams) {
        self.streams = streams
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.lastReceived = .now()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { self.streams.drain() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of one stream do not end the others.
        guard !(error is NIOHTTP2Errors.StreamError), !Self.isOfRequest(error) else { return }
        context.close(promise: nil)
    }

    /// Whether a request is malformed, for which its stream has been reset.
    ///
    /// - SeeAlso: RFC 9113, section 8.1.1.
    private static func isOfRequest(_ error: any Error) -> Bool {
        switch error {
        case is NIOHTTP2Errors.MissingPseudoHeader, is NIOHTTP2Errors.DuplicatePseudoHeader,
            is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader, is NIOHTTP2Errors.UnknownPseudoHeader,
            is NIOHTTP2Errors.UnsupportedPseudoHeader, is NIOHTTP2Errors.InvalidPseudoHeaders,
            is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.EmptyPathHeader,
            is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue,
            is NIOHTTP2Errors.ForbiddenHeaderField, is NIOHTTP2Errors.TrailersWithoutEndStream,
            is NIOHTTP2Errors.ContentLengthViolated, is NIOHTTP2Errors.ContentLengthHeadersMismatch,
            is NIOHTTP2Errors.ContentLengthHeaderNegative,
            is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
            true
        default: false
        }
    }
}
