import NIOCore

/// The readers of one output log: where each of them is, and who holds up whom.
struct ReaderSet {
    struct Reader {
        var offset: Int64
        /// When it last took something, or was last up to date.
        var lastProgress: NIODeadline
        /// It took nothing for too long: the others go on without it.
        var isStalled = false
        let wake: @Sendable () -> Void
    }

    private(set) var readers: [Int: Reader] = [:]
    private var nextID = 0

    var isEmpty: Bool { self.readers.isEmpty }
    var count: Int { self.readers.count }

    mutating func add(at offset: Int64, _ wake: @escaping @Sendable () -> Void) -> Int {
        self.nextID += 1
        self.readers[self.nextID] = Reader(offset: offset, lastProgress: .now(), wake: wake)
        return self.nextID
    }

    mutating func remove(_ id: Int) {
        self.readers[id] = nil
    }

    subscript(id: Int) -> Reader? { self.readers[id] }

    /// What was at the end, `end`, up to now gets something to do now.
    mutating func refresh(at end: Int64) {
        let now = NIODeadline.now()
        for (id, reader) in self.readers where reader.offset >= end { self.readers[id]?.lastProgress = now }
    }

    mutating func advance(_ id: Int, to offset: Int64) {
        self.readers[id]?.offset = offset
        self.readers[id]?.lastProgress = .now()
        self.readers[id]?.isStalled = false
    }

    /// The offset of the slowest reader that the process waits for; nil if it waits for none.
    var slowest: Int64? {
        self.readers.values.lazy.filter { !$0.isStalled }.map(\.offset).min()
    }

    /// Whether somebody who takes all there is waits behind somebody who does not.
    func someoneWaits(at end: Int64) -> Bool {
        self.readers.values.contains { $0.offset >= end }
    }

    /// Gives up on those that are behind `end` and took nothing since `deadline`, as long as somebody else waits.
    mutating func stall(behind end: Int64, idleSince deadline: NIODeadline) {
        for (id, reader) in self.readers where reader.offset < end && reader.lastProgress <= deadline {
            self.readers[id]?.isStalled = true
        }
    }

    /// What to call when there is something new.
    var wakes: [@Sendable () -> Void] { self.readers.values.map(\.wake) }
}
