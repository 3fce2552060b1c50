package import NIOCore

/// How much is held for clients that watch.
package struct WatchLimits: Sendable {
    /// Watchers, polled ones and streams together.
    package var watchers = 1024
    /// Events that wait for one client; the oldest go first.
    package var queuedEvents = 1 << 16
    /// Bytes that they take, about.
    package var queuedBytes = 8 << 20
    /// Events that wait while directories of one watcher are scanned. More are not kept, but looked for.
    package var eventsDuringScan = 1 << 16
    /// Bytes of names that are known of one watched tree.
    package var treeBytes = 256 << 20
    /// Entries that are told when a client asks for all that is there.
    package var snapshotEntries = 250_000
    /// Time for which events may be gathered.
    package var coalescing = TimeAmount.minutes(1)
    /// Time for which a watch goes on without its client, if that asks for it.
    package var lingering = TimeAmount.hours(1)
    /// Time after which a watcher that nobody asks is removed.
    package var expiry = TimeAmount.hours(1)
    /// Time after which what left its place has left the tree, unless it has appeared.
    package var moveTime = TimeAmount.milliseconds(50)
    /// Time for which the first half of a move waits for the second, which the kernel sends right after it.
    package var halfTime = TimeAmount.milliseconds(1)
    /// Time for which an answer waits until what it tells of can be watched.
    package var settling = TimeAmount.seconds(2)
    /// Watches that the kernel is asked to allow, where the daemon may ask.
    package var watches = 1 << 20
    /// Events that the kernel is asked to keep, where the daemon may ask.
    package var kernelQueue = 1 << 17

    package init() {}
}
