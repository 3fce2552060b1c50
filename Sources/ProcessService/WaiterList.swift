/// Those who wait for a process to exit or to end.
struct WaiterList {
    /// What is waited for.
    enum Moment {
        /// The process has been reaped.
        case exit
        /// Its output is complete too.
        case end
    }

    private var waiters: [Int: (moment: Moment, resume: () -> Void)] = [:]
    private var nextID = 0

    mutating func add(_ moment: Moment, _ resume: @escaping () -> Void) -> Int {
        self.nextID += 1
        self.waiters[self.nextID] = (moment, resume)
        return self.nextID
    }

    /// Takes one out, who will not be told.
    mutating func remove(_ id: Int) -> (() -> Void)? {
        self.waiters.removeValue(forKey: id)?.resume
    }

    /// Takes all out who wait for `moment`.
    mutating func removeAll(_ moment: Moment) -> [() -> Void] {
        let due = self.waiters.filter { $0.value.moment == moment }
        for id in due.keys { self.waiters[id] = nil }
        return due.values.map(\.resume)
    }
}
