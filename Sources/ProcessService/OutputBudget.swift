/// Counts the output that all processes keep together, and makes room when it is too much. Bound to the event loop.
final class OutputBudget {
    private let limit: Int
    private(set) var used = 0
    /// Drops kept output, of the process that is least likely to be asked for it first, until no more than the given
    /// number of bytes is used.
    var makeRoom: ((_ target: Int) -> Void)?

    init(limit: Int) {
        self.limit = limit
    }

    /// A log grew or shrank by `bytes`.
    func changed(by bytes: Int) {
        self.used += bytes
        guard bytes > 0, self.used > self.limit else { return }
        // A little more than needed, so that it is not done for every chunk.
        self.makeRoom?(self.limit - self.limit / 8)
    }
}
