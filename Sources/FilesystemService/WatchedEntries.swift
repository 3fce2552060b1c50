/// The names in one watched directory, kept as small as lookups allow.
///
/// Records lie one after the other: the name's length (a byte), the kind (a byte), for a directory its number in
/// the tree (four bytes, little endian), the name. A directory with more than a few names also has a table of
/// their positions, open addressing, by hash.
struct WatchedEntries: Sendable {
    struct Entry: Equatable {
        var isDirectory: Bool
        /// The directory's number in its tree; nil where directories inside are not watched.
        var node: Int32?
    }

    private enum Kind {
        static let removed: UInt8 = 0
        static let other: UInt8 = 1
        static let directory: UInt8 = 2
    }

    /// Names up to which they are only searched through.
    private static let unindexed = 8
    private static let headBytes = 2
    private static let nodeBytes = 4
    private static let noNode: Int32 = -1

    private var records: [UInt8] = []
    /// Positions of records plus one, 0 for free; the count is a power of two, and less than three quarters are used.
    private var index: [UInt32] = []
    private var usedSlots = 0
    private var removedBytes = 0
    private(set) var count = 0

    /// About what a name takes in memory.
    static func bytes(of name: [UInt8]) -> Int { name.count + 16 }

    /// A name longer than a file system allows is cut off in the record's length, so it is never put in.
    private static let longestName = 255

    func entry(_ name: [UInt8]) -> Entry? {
        self.position(of: name).map(self.entry(at:))
    }

    /// Adds `name`, or says what it is now.
    mutating func set(_ name: [UInt8], _ entry: Entry) {
        guard !name.isEmpty, name.count <= Self.longestName else { return }
        self.remove(name)
        let position = self.records.count
        self.records.append(UInt8(name.count))
        self.records.append(entry.isDirectory ? Kind.directory : Kind.other)
        if entry.isDirectory {
            let node = UInt32(bitPattern: entry.node ?? Self.noNode)
            for shift in 0..<Self.nodeBytes {
                self.records.append(UInt8(truncatingIfNeeded: node >> (8 * shift)))
            }
        }
        self.records.append(contentsOf: name)
        self.count += 1
        if self.index.isEmpty {
            if self.count > Self.unindexed { self.rebuildIndex() }
        } else {
            self.putIntoIndex(position, name)
        }
    }

    /// Forgets `name`; whether it was there.
    @discardableResult
    mutating func remove(_ name: [UInt8]) -> Bool {
        guard let position = self.position(of: name) else { return false }
        self.removedBytes += self.recordBytes(at: position)
        self.records[position + 1] =
            self.records[position + 1] == Kind.directory ? Kind.removed | Self.removedDirectory : Kind.removed
        self.count -= 1
        if self.count == 0 {
            self = WatchedEntries()
        } else if self.removedBytes > self.records.count / 2 {
            self.compact()
        }
        return true
    }

    /// Makes room for `bytes` of names that are known to come.
    mutating func reserve(_ bytes: Int) {
        self.records.reserveCapacity(self.records.count + bytes)
    }

    /// All names, in no particular order.
    var all: [(name: [UInt8], entry: Entry)] {
        var all: [(name: [UInt8], entry: Entry)] = []
        all.reserveCapacity(self.count)
        var position = 0
        while position < self.records.count {
            if self.isPresent(at: position) {
                all.append((Array(self.name(at: position)), self.entry(at: position)))
            }
            position += self.recordBytes(at: position)
        }
        return all
    }

    /// Bytes of a record with this name.
    static func recordBytes(_ name: [UInt8], isDirectory: Bool) -> Int {
        Self.headBytes + (isDirectory ? Self.nodeBytes : 0) + name.count
    }

    // MARK: Records

    /// Marks the record of a directory that was removed: its length must still be known.
    private static let removedDirectory: UInt8 = 0x80

    private func isPresent(at position: Int) -> Bool {
        self.records[position + 1] & ~Self.removedDirectory != Kind.removed
    }

    private func hasNode(at position: Int) -> Bool {
        let kind = self.records[position + 1]
        return kind == Kind.directory || kind & Self.removedDirectory != 0
    }

    private func recordBytes(at position: Int) -> Int {
        Self.headBytes + (self.hasNode(at: position) ? Self.nodeBytes : 0) + Int(self.records[position])
    }

    private func name(at position: Int) -> ArraySlice<UInt8> {
        let end = position + self.recordBytes(at: position)
        return self.records[end - Int(self.records[position])..<end]
    }

    private func entry(at position: Int) -> Entry {
        guard self.hasNode(at: position) else { return Entry(isDirectory: false, node: nil) }
        var node: UInt32 = 0
        for shift in 0..<Self.nodeBytes {
            node |= UInt32(self.records[position + Self.headBytes + shift]) << (8 * shift)
        }
        let number = Int32(bitPattern: node)
        return Entry(isDirectory: true, node: number == Self.noNode ? nil : number)
    }

    private func has(_ name: [UInt8], at position: Int) -> Bool {
        Int(self.records[position]) == name.count && self.isPresent(at: position)
            && self.name(at: position).elementsEqual(name)
    }

    private func position(of name: [UInt8]) -> Int? {
        guard !self.index.isEmpty else {
            var position = 0
            while position < self.records.count {
                if self.has(name, at: position) { return position }
                position += self.recordBytes(at: position)
            }
            return nil
        }
        var slot = Self.hash(name) & (self.index.count - 1)
        while self.index[slot] != 0 {
            let position = Int(self.index[slot]) - 1
            if self.has(name, at: position) { return position }
            slot = (slot + 1) & (self.index.count - 1)
        }
        return nil
    }

    // MARK: Index

    /// Seeded, so that nobody can choose names that collide.
    private static func hash(_ name: [UInt8]) -> Int {
        var hasher = Hasher()
        name.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize() & Int.max
    }

    private mutating func putIntoIndex(_ position: Int, _ name: [UInt8]) {
        // Records of removed names keep their slots until the index is made anew.
        guard 4 * (self.usedSlots + 1) < 3 * self.index.count else {
            self.rebuildIndex()
            return
        }
        var slot = Self.hash(name) & (self.index.count - 1)
        while self.index[slot] != 0 { slot = (slot + 1) & (self.index.count - 1) }
        self.index[slot] = UInt32(position + 1)
        self.usedSlots += 1
    }

    private mutating func rebuildIndex() {
        var size = 16
        while size < 2 * self.count { size *= 2 }
        self.index = [UInt32](repeating: 0, count: size)
        self.usedSlots = 0
        var position = 0
        while position < self.records.count {
            if self.isPresent(at: position) { self.putIntoIndex(position, Array(self.name(at: position))) }
            position += self.recordBytes(at: position)
        }
    }

    private mutating func compact() {
        let all = self.all
        var compacted = WatchedEntries()
        compacted.reserve(self.records.count - self.removedBytes)
        for (name, entry) in all { compacted.set(name, entry) }
        self = compacted
    }
}
