public import NIOCore

/// What one client may take from the server.
public struct HTTPLimits: Sendable {
    /// Bytes of a request's header block; beyond it the answer is 431.
    public var headerBytes = 1 << 20
    /// Header fields of one request; beyond it the answer is 431.
    public var headerFields = 10_000
    /// Time from the first byte of a request (or from the connection's start) to the end of its head.
    public var headerReadTime = TimeAmount.seconds(30)
    /// Time without a byte in either direction while the server waits for the client. Longer than the
    /// 620 s of the proxies in front of sandboxes, so that they are the ones who close.
    public var idleTime = TimeAmount.seconds(640)
    /// Open connections. One beyond it takes the place of the one that has been idle for longest; where none is idle, it
    /// is answered with 503 and closed.
    public var connections = 8192
    /// Concurrent streams of one HTTP/2 connection.
    public var streamsPerConnection = 1024
    /// Bytes of all bodies of one HTTP/2 connection that the client may send ahead.
    public var connectionWindow = 1 << 20
    /// Settings, pings and the like that one HTTP/2 connection takes in half a minute.
    public var controlFrames = 10_000
    /// Streams that a client resets on one connection in half a minute. Clients that cancel streams all day are not
    /// attackers.
    public var streamResets = 100_000
    /// Streams that are reset for malformed requests on one connection in half a minute.
    public var streamErrors = 10_000
    /// Bytes that are read from a connection at a time, once it has been seen to send that much.
    public var receiveBufferBytes = 512 << 10
    /// Unread bytes of a request body that are held before the client is no longer read.
    public var bodyReadAhead = 128 << 10
    /// Bytes of an unwanted request body that are read and dropped to save the connection.
    public var discardedBodyBytes = 64 << 20
    /// Unsent bytes of a response at which its producer has to wait.
    public var writeHighWatermark = 512 << 10
    /// Unsent bytes of a response at which its producer may go on.
    public var writeLowWatermark = 128 << 10

    /// The defaults.
    public init() {}
}
