import EnvdAPI
import NIOCore

/// What one client has not got yet, or has got and may ask for again: events in order, each with its number, the
/// cursor.
///
/// What was not taken is never dropped: whoever fills the queue has to stop when it is full.
struct WatchQueue {
    enum Item: Sendable {
        case change(WatchChange, Filesystem_EntryInfo?)
        /// Events were lost; how many, if that is known. What they would have told was looked for and follows.
        case overflow(lost: UInt64?)

        /// About what it takes in memory.
        fileprivate var bytes: Int {
            switch self {
            case .overflow: Self.fixedBytes
            case .change(let change, let entry):
                Self.fixedBytes + change.path.bytes.count + (change.origin?.bytes.count ?? 0)
                    + (change.destination?.bytes.count ?? 0) + (entry == nil ? 0 : Self.entryBytes)
            }
        }

        private static let fixedBytes = 96
        private static let entryBytes = 512
    }

    /// The cursors of the events that are still to be taken and that a later one of the same kind can be merged with.
    private struct Mergeable {
        var write: UInt64?
        var chmod: UInt64?
    }

    private let maxEvents: Int
    private let maxBytes: Int
    /// Whether events that follow each other, and say the same of an entry, are told once.
    private let merges: Bool
    /// Whether events stay after they were taken.
    var retains = false
    private var items = CircularBuffer<Item>()
    private var bytes = 0
    /// Bytes of what was not taken.
    private var pendingBytes = 0
    /// The cursor of the first item; there is none before 1.
    private var first: UInt64 = 1
    /// The cursor of the item that is taken next.
    private var position: UInt64 = 1
    private var mergeable: [WatchPath: Mergeable] = [:]

    init(_ limits: WatchLimits, merges: Bool = false) {
        self.maxEvents = limits.queuedEvents
        self.maxBytes = limits.queuedBytes
        self.merges = merges
    }

    /// The cursor of the event that was taken last.
    var cursor: UInt64 { self.position - 1 }

    /// The cursor of the newest event.
    var last: UInt64 { self.first + UInt64(self.items.count) - 1 }

    /// Whether there is nothing that was not taken.
    var isEmpty: Bool { self.position > self.last }

    mutating func append(_ item: Item) {
        guard !self.merge(item) else { return }
        self.items.append(item)
        self.bytes += item.bytes
        self.pendingBytes += item.bytes
        while self.items.count > self.maxEvents || self.bytes > self.maxBytes, self.first < self.position {
            self.removeFirst()
        }
    }

    /// Whether there is more than a client should leave, in `parts` of what is allowed.
    func isFull(dividedBy parts: Int = 1) -> Bool {
        Int(self.last + 1 - min(self.position, self.last + 1)) >= self.maxEvents / parts
            || self.pendingBytes >= self.maxBytes / parts
    }

    /// The oldest item that was not taken, up to a cursor; in place of those that were dropped though the client asks
    /// for them again, one that says how many they were.
    mutating func next(upTo cursor: UInt64 = .max) -> (item: Item, cursor: UInt64)? {
        if self.position < self.first {
            let lost = self.first - self.position
            self.position = self.first
            return (.overflow(lost: lost), self.first - 1)
        }
        guard self.position <= min(self.last, cursor) else { return nil }
        let item = self.items[offset: Int(self.position - self.first)]
        self.position += 1
        self.pendingBytes -= item.bytes
        if !self.retains { self.removeFirst() }
        if self.isEmpty { self.mergeable.removeAll(keepingCapacity: true) }
        return (item, self.position - 1)
    }

    /// Goes on after an event that the client has, and forgets the ones up to it if the client says so.
    ///
    /// - Returns: false if there has never been such an event.
    mutating func seek(after cursor: UInt64, forgetting: Bool) -> Bool {
        guard cursor <= self.last else { return false }
        self.position = cursor + 1
        while forgetting, self.first < self.position, !self.items.isEmpty { self.removeFirst() }
        let taken = Int(max(self.position, self.first) - self.first)
        self.pendingBytes = self.items.dropFirst(taken).reduce(0) { $0 + $1.bytes }
        return true
    }

    private mutating func removeFirst() {
        guard let item = self.items.popFirst() else { return }
        self.first += 1
        self.bytes -= item.bytes
    }

    /// Puts an event in the place of one that says the same and was not taken.
    private mutating func merge(_ item: Item) -> Bool {
        guard self.merges else { return false }
        guard case .change(let change, _) = item else {
            self.mergeable.removeAll()
            return false
        }
        let kind: WritableKeyPath<Mergeable, UInt64?>
        switch change.kind {
        case .write: kind = \.write
        case .chmod: kind = \.chmod
        case .create, .remove:
            if change.origin == nil { self.mergeable[change.path] = nil } else { self.mergeable.removeAll() }
            return false
        case .rename:
            // What is inside has another path now.
            self.mergeable.removeAll()
            return false
        }
        if let cursor = self.mergeable[change.path]?[keyPath: kind], cursor >= max(self.position, self.first)
        {
            let offset = Int(cursor - self.first)
            let growth = item.bytes - self.items[offset: offset].bytes
            self.bytes += growth
            self.pendingBytes += growth
            self.items[offset: offset] = item
            return true
        }
        self.mergeable[change.path, default: Mergeable()][keyPath: kind] = self.last + 1
        return false
    }
}
