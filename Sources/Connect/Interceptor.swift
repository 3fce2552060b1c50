/// Code around every call: logging, authentication, tracing.
///
/// Interceptors run in the order in which the router has them, the first outermost, after the protocol's own
/// checks and before the request message is decoded.
///
/// ```swift
/// struct Timing: Interceptor {
///     func intercept(
///         _ context: RPCContext, _ next: @Sendable (RPCContext) async throws -> Void
///     ) async throws {
///         let start = ContinuousClock.now
///         context.whenFinished { _ in record(context.procedure, start.duration(to: .now)) }
///         try await next(context)
///     }
/// }
/// ```
public protocol Interceptor: Sendable {
    /// Runs the rest of the call with `next`, or throws instead.
    ///
    /// What `next` throws is what the client will see, if it is thrown on. When it returns, a stream may only have begun:
    /// ``RPCContext/whenFinished(_:)`` tells when the call is over.
    func intercept(
        _ context: RPCContext, _ next: @escaping @Sendable (RPCContext) async throws -> Void
    ) async throws
}
