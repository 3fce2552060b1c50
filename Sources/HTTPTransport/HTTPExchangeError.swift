/// Why an exchange cannot go on.
public enum HTTPExchangeError: Error, Sendable, Equatable {
    /// The client closed the connection or reset the stream.
    case clientGone
    /// The response has ended, so nothing more of the request is read and nothing more can be written.
    case responseEnded
    /// The body is larger than the reader allows, in bytes.
    case bodyTooLarge(limit: Int)
}
