import LinuxSystem

/// Counts the output that all processes keep together, and makes room when it is too much. Bound to the event loop.
final class OutputBudget {
    private let limit: Int
    private(set) var used = 0
    /// Bytes dropped since the allocator was last asked to give memory back.
    private var dropped = 0
    /// Drops kept output, of the process that is least likely to be asked for it first, until no more than the given
    /// number of bytes is used.
    var makeRoom: ((_ target: Int) -> Void)?

    init(limit: Int) {
        self.limit = limit
    }

    /// A log grew or shrank by `bytes`.
    func changed(by bytes: Int) {
        self.used += bytes
        if bytes < 0 { self.dropped -= bytes }
        guard bytes > 0, self.used > self.limit else { return }
        // A little more than needed, so that it is not done for every chunk.
        self.makeRoom?(self.limit - self.limit / 8)
    }

    /// Gives the system back what dropped output took, if it was much: the allocator keeps what lies between the
    /// buffers that are left. Called where much may have been dropped, and not for every chunk.
    func returnMemory() {
        guard self.dropped >= Self.worthReturning else { return }
        self.dropped = 0
        Allocator.returnFreeMemory()
    }

    /// Asking for it goes through the whole heap.
    private static let worthReturning = 8 << 20
}
