/// Why an exchange cannot go on.
public enum HTTPExchangeError: Error, Sendable, Equatable {
    /// The client closed the connection or reset the stream.
    case clientGone
    /// The body is not divided into chunks as it should be: its rest is lost.
    case malformedBody
    /// The response has ended, so nothing more of the request is read and nothing more can be written.
    case responseEnded
    /// The body is larger than the reader allows, in bytes.
    case bodyTooLarge(limit: Int)
}
