public import NIOCore

/// Encoded messages that are pulled on the event loop whenever the client can take more.
///
/// The way for bulk data: no task switch and no copy for each message. A procedure that is registered with a source
/// returns one; ``ResponseWriter/drain(_:)`` pulls from one in the middle of a procedure.
public protocol MessageSource: Sendable {
    /// Makes the next message, on the event loop.
    ///
    /// `buffer` is where the message begins; what it holds already belongs to the caller. A large payload that
    /// ends the message is returned instead of copied.
    func next(into buffer: inout ByteBuffer) -> MessageSourceStep

    /// Calls `wake` on the event loop each time that ``next(into:)`` would no longer say ``MessageSourceStep/waiting``.
    func whenReady(_ wake: @escaping @Sendable () -> Void)

    /// Called once when nobody will pull any more.
    func detach()
}

/// What ``MessageSource/next(into:)`` did.
public enum MessageSourceStep: Sendable {
    /// A message was begun in the buffer; it ends with `payload`.
    case message(payload: ByteBuffer?)
    /// There is nothing now.
    case waiting
    /// There is nothing any more.
    case finished
    /// The messages cannot go on.
    case failed(ConnectError)
}
