import EnvdAPI
import NIOCore

/// What waits for one client: the newest events, in order, and how many older ones had to go.
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

    private let maxEvents: Int
    private let maxBytes: Int
    private var items = CircularBuffer<Item>()
    private var bytes = 0
    /// Events that were dropped since the last was taken.
    private var dropped: UInt64 = 0

    init(_ limits: WatchLimits) {
        self.maxEvents = limits.queuedEvents
        self.maxBytes = limits.queuedBytes
    }

    var isEmpty: Bool { self.items.isEmpty && self.dropped == 0 }

    mutating func append(_ item: Item) {
        self.items.append(item)
        self.bytes += item.bytes
        while self.items.count > self.maxEvents || self.bytes > self.maxBytes,
            let oldest = self.items.popFirst()
        {
            self.bytes -= oldest.bytes
            self.dropped += 1
        }
    }

    /// The oldest item; in place of those that were dropped, one that says how many they were.
    mutating func popFirst() -> Item? {
        if self.dropped > 0 {
            defer { self.dropped = 0 }
            return .overflow(lost: self.dropped)
        }
        guard let first = self.items.popFirst() else { return nil }
        self.bytes -= first.bytes
        return first
    }
}
