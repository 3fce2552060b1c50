package import NIOCore

/// What is done around freezes and thaws. Called on the freezer's event loop.
package struct FreezeObserver: Sendable {
    /// A client asked for a freeze, which begins when this returns.
    package var willFreeze: @Sendable () async -> Void = {}
    /// The workload has been told to stop.
    package var froze: @Sendable () -> Void = {}
    /// The workload is about to go on: since when it was stopped, and whether the host says that the sandbox begins
    /// anew. Also called when nothing was stopped.
    package var willThaw: @Sendable (_ frozen: NIODeadline?, _ isInitialized: Bool) -> Void = { _, _ in }
    /// The workload goes on.
    package var thawed: @Sendable () -> Void = {}

    package init() {}
}
