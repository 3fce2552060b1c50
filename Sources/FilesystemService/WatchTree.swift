import LinuxSystem

/// What is known of a watched directory and, if the watch is recursive, of the directories inside: which watch
/// belongs to which, and the names in each.
///
/// It does not touch the file system: it takes the events of the kernel and listings of directories, says what is
/// to be told to the client, and asks for directories to be scanned. The names are what an overflow is repaired
/// with: compared with a new listing, they say what changed meanwhile.
struct WatchTree: Sendable {
    typealias Node = Int32

    /// What must happen before the next event is given.
    enum Step: Equatable {
        case done
        /// A directory appeared: it is to be watched and listed.
        case scan(Node)
        /// Events were lost: everything is to be listed anew.
        case rescan
        /// Nothing is under way any more: the directories of ``takeDoubted()`` are to be looked at again.
        case verify
    }

    struct Directory: Sendable {
        /// `WatchTree.root` has none; `detached` for one that has been moved away and may come back.
        var parent: Node
        /// The kernel's number, `unwatched` or `closed`.
        var watch: Int32
        var name: [UInt8]
        var entries = WatchedEntries()
    }

    static let root: Node = 0
    static let noParent: Node = -1
    static let detached: Node = -2
    /// The slot is free.
    static let free: Node = -3
    /// It could not be found under its name: it has been moved, and an event will say where.
    static let unwatched: Int32 = -1
    /// It may not be read.
    static let closed: Int32 = -2

    /// An entry that left its place, and may appear in another.
    struct Move: Sendable {
        var origin: WatchPath
        var node: Node?
        /// How often the queue has been empty since.
        var age = 0
    }

    let isRecursive: Bool
    /// Every CREATE is told: on network file systems, what vanished on another host is not known to have done so.
    let tellsEveryCreate: Bool
    /// Which directories are watched, and what is told; nil for all.
    let filter: WatchFilter?
    /// The root has been deleted or moved away: nothing more is told.
    private(set) var isLost = false

    var directories: [Directory] = [Directory(parent: noParent, watch: unwatched, name: [])]
    private var nameBytes = 0
    private var freeNodes: [Node] = []
    private(set) var nodeOfWatch: [Int32: Node] = [:]
    private var moves: [UInt32: Move] = [:]
    /// Directories whose names something else has taken; see `WatchTree+Exchanges.swift`.
    var displaced: [Displaced] = []
    /// Directories that were listed after the events to come happened, which may therefore be known.
    var fresh: Set<Node> = []
    /// Directories whose watch turned out to be another's.
    private var robbed: [Node] = []
    /// Directories that got their watch in the present scan, which is not to be taken from them.
    private var settled: Set<Node> = []
    /// Directories that may be mistaken for others: they were looked for by names that were changing.
    private var doubted: Set<Node> = []
    /// Whether a directory has moved while some were fresh: then those are in doubt.
    private var doubtsFresh = false
    /// Directories below the root that have no watch, and should.
    private(set) var unwatchedCount = 0
    /// Watches that were gained or lost since ``takeTouchedWatches()``.
    private var touched: [Int32] = []
    /// Watches that were given up, once for each time that they were asked for.
    private var released: [Int32] = []

    init(isRecursive: Bool, tellsEveryCreate: Bool = false, filter: WatchFilter? = nil) {
        self.filter = filter
        self.isRecursive = isRecursive
        self.tellsEveryCreate = tellsEveryCreate
    }

    // MARK: Reading

    /// What the names take in memory, about, and the directories.
    var bytes: Int { self.nameBytes + self.directories.count * Self.directoryBytes }

    /// About what a directory takes besides the names in it.
    private static let directoryBytes = 256

    /// Whether something that left its place may still come back.
    var hasMoves: Bool { !self.moves.isEmpty || !self.displaced.isEmpty }

    /// Where a directory is, by its name and its parents' names; nil if it is not in the tree (any more).
    func path(of node: Node) -> WatchPath? {
        var names: [[UInt8]] = []
        var current = node
        while current != Self.root {
            let directory = self.directories[Int(current)]
            guard directory.parent >= Self.root else { return nil }
            names.append(directory.name)
            current = directory.parent
        }
        return WatchPath(Array(names.reversed().joined(separator: CollectionOfOne(UInt8(ascii: "/")))))
    }

    /// Whether a directory inside is watched.
    func enters(_ path: WatchPath) -> Bool {
        self.isRecursive && self.filter?.enters(path) != false
    }

    /// Whether `node` is a directory in the tree, and not one that left it.
    func contains(_ node: Node) -> Bool { self.path(of: node) != nil }

    // MARK: Watches

    /// Watches that were gained or lost since the last call, and whether the tree has them now.
    mutating func takeTouchedWatches() -> [(watch: Int32, isWatched: Bool)] {
        defer { self.touched = [] }
        return self.touched.map { ($0, self.nodeOfWatch[$0] != nil) }
    }

    /// Watches to give back, once for each time that they are in it.
    mutating func takeReleasedWatches() -> [Int32] {
        defer { self.released = [] }
        return self.released
    }

    /// Says which watch a directory has got. Each call stands for one request to the kernel.
    ///
    /// Another directory that has it since before the present scan loses it: it was listed under a name that has
    /// since become this one's, and has to be listed again.
    ///
    /// - Returns: false if another directory keeps the watch: the same one is mounted in two places.
    mutating func setWatch(_ watch: Int32, of node: Node) -> Bool {
        if let owner = self.nodeOfWatch[watch] {
            self.released.append(watch)
            guard owner != node else {
                self.settled.insert(node)
                return true
            }
            guard owner != Self.root, !self.settled.contains(owner) else { return false }
            self.directories[Int(owner)].watch = Self.unwatched
            self.unwatchedCount += 1
            self.robbed.append(owner)
            self.doubted.formUnion([owner, node])
        }
        self.unsetWatch(of: node)
        if self.directories[Int(node)].watch == Self.unwatched, node != Self.root { self.unwatchedCount -= 1 }
        self.directories[Int(node)].watch = watch
        self.nodeOfWatch[watch] = node
        self.touched.append(watch)
        self.settled.insert(node)
        return true
    }

    /// Says that a directory cannot be watched now: it is not there, or closed to the user.
    mutating func leaveUnwatched(_ node: Node, isClosed: Bool) {
        self.unsetWatch(of: node)
        guard node != Self.root else { return }
        guard isClosed else {
            self.doubted.insert(node)
            return
        }
        guard self.directories[Int(node)].watch == Self.unwatched else { return }
        self.directories[Int(node)].watch = Self.closed
        self.unwatchedCount -= 1
    }

    /// The next directory whose watch was another's, to be scanned; without one, the scan is over.
    mutating func takeRobbed() -> Node? {
        while let node = self.robbed.popLast() {
            if self.directories[Int(node)].watch == Self.unwatched, self.contains(node) { return node }
        }
        self.settled = []
        return nil
    }

    /// Whether a directory is watched.
    func isWatched(_ node: Node) -> Bool { self.directories[Int(node)].watch >= 0 }

    /// Gives up the watch of a directory, if it has one.
    private mutating func unsetWatch(of node: Node) {
        let watch = self.directories[Int(node)].watch
        guard watch >= 0 else { return }
        self.nodeOfWatch[watch] = nil
        self.directories[Int(node)].watch = Self.unwatched
        if node != Self.root { self.unwatchedCount += 1 }
        self.touched.append(watch)
        self.released.append(watch)
    }

    /// The kernel has ended a watch by itself.
    mutating func watchEnded(_ watch: Int32) {
        guard let node = self.nodeOfWatch[watch] else { return }
        self.unsetWatch(of: node)
        self.doubted.insert(node)
    }

    // MARK: Doubt

    // A directory is found by its name at a time that is later than that of the events to come. While directories
    // move, what is found may therefore be another than the one that the events speak of, and each of two take the
    // other's place here. Names are certain only when all events have been received; then what was in doubt is
    // looked at again.

    /// Says that a directory is leaving its place: what was found in it by a name meanwhile is in doubt, and so is it.
    mutating func doubtFresh(in moved: Node) {
        guard self.fresh.count <= Self.freshSearched else {
            self.doubtsFresh = true
            return
        }
        for node in self.fresh where self.isWatched(node) && self.isInside(node, moved) {
            self.doubted.insert(node)
        }
    }

    /// Of more fresh directories than this, all are in doubt when one moves.
    private static let freshSearched = 64

    /// The directory above one that could not be found, which may hold something else of that name; nil if it was
    /// found.
    func parentOfMissing(_ node: Node) -> Node? {
        let directory = self.directories[Int(node)]
        return directory.watch == Self.unwatched && directory.parent >= Self.root ? directory.parent : nil
    }

    /// Whether there is something that has to be looked at again when nothing is under way.
    var hasDoubts: Bool { !self.doubted.isEmpty || self.doubtsFresh }

    /// The directories in doubt that are still in the tree, each before those in it.
    mutating func takeDoubted() -> [Node] {
        defer { self.doubted = [] }
        var found: [(node: Node, depth: Int)] = []
        for node in self.doubted { if let depth = self.depth(of: node) { found.append((node, depth)) } }
        return found.sorted { ($0.depth, $0.node) < ($1.depth, $1.node) }.map(\.node)
    }

    /// Says that what was in doubt has been looked at, and that nothing happened meanwhile.
    mutating func endDoubts() {
        self.doubted = []
        self.doubtsFresh = false
    }

    /// How many directories are above one; nil if it is not in the tree (any more).
    private func depth(of node: Node) -> Int? {
        guard node >= Self.root else { return nil }
        var depth = 0
        var current = node
        while current != Self.root {
            current = self.directories[Int(current)].parent
            guard current >= Self.root else { return nil }
            depth += 1
        }
        return depth
    }

    // MARK: Directories

    /// A new directory below `parent`, to be scanned.
    mutating func addDirectory(_ name: [UInt8], to parent: Node) -> Node {
        let directory = Directory(parent: parent, watch: Self.unwatched, name: name)
        self.unwatchedCount += 1
        guard let node = self.freeNodes.popLast() else {
            self.directories.append(directory)
            return Node(self.directories.count - 1)
        }
        self.directories[Int(node)] = directory
        return node
    }

    /// Puts a directory that was moved in another place.
    mutating func attach(_ node: Node, to parent: Node, as name: [UInt8]) {
        self.directories[Int(node)].parent = parent
        self.directories[Int(node)].name = name
    }

    /// Whether `ancestor` is `node` or above it.
    func isInside(_ node: Node, _ ancestor: Node) -> Bool {
        var current = node
        while current >= Self.root {
            if current == ancestor { return true }
            current = self.directories[Int(current)].parent
        }
        return false
    }

    /// Takes a directory out of its place, with all that is in it, in case it appears elsewhere.
    mutating func detach(_ node: Node) {
        self.directories[Int(node)].parent = Self.detached
    }

    /// Forgets a directory and all directories in it.
    mutating func dropDirectory(_ node: Node) {
        var pending = [node]
        while let node = pending.popLast() {
            self.unsetWatch(of: node)
            if self.directories[Int(node)].watch == Self.unwatched { self.unwatchedCount -= 1 }
            for (name, entry) in self.directories[Int(node)].entries.all {
                self.nameBytes -= WatchedEntries.bytes(of: name)
                if let inner = entry.node { pending.append(inner) }
            }
            while let index = self.displaced.firstIndex(where: { $0.parent == node || $0.node == node }) {
                let inner = self.displaced.remove(at: index).node
                if inner != node { pending.append(inner) }
            }
            self.directories[Int(node)] = Directory(parent: Self.free, watch: Self.closed, name: [])
            self.fresh.remove(node)
            self.doubted.remove(node)
            self.settled.remove(node)
            self.freeNodes.append(node)
        }
    }

    /// Forgets everything: the root is gone.
    mutating func lose() {
        guard !self.isLost else { return }
        self.isLost = true
        for move in self.moves.values { if let node = move.node { self.dropDirectory(node) } }
        self.moves = [:]
        while let last = self.displaced.last { self.dropDirectory(last.node) }
        for (name, entry) in self.directories[Int(Self.root)].entries.all {
            self.removeEntry(name, of: Self.root)
            if let node = entry.node { self.dropDirectory(node) }
        }
        self.unsetWatch(of: Self.root)
        self.robbed = []
        self.endDoubts()
    }

    // MARK: Entries

    func entry(_ name: [UInt8], of node: Node) -> WatchedEntries.Entry? {
        self.directories[Int(node)].entries.entry(name)
    }

    mutating func setEntry(_ name: [UInt8], of node: Node, _ entry: WatchedEntries.Entry) {
        self.removeEntry(name, of: node)
        self.directories[Int(node)].entries.set(name, entry)
        self.nameBytes += WatchedEntries.bytes(of: name)
    }

    /// Forgets an entry; if it is a directory, what is known of that stays.
    mutating func removeEntry(_ name: [UInt8], of node: Node) {
        if self.directories[Int(node)].entries.remove(name) {
            self.nameBytes -= WatchedEntries.bytes(of: name)
        }
    }

    // MARK: Moves

    /// How often the queue must have been empty before what left its place is taken to be gone.
    static let moveAge = 2
    /// Moves whose second half is waited for; the kernel sends it right after the first.
    private static let pendingMoves = 1024

    mutating func beginMove(_ cookie: UInt32, _ move: Move) {
        if self.moves.count >= Self.pendingMoves { self.endMoves { _ in true } }
        if let node = move.node { self.detach(node) }
        if let old = self.moves.updateValue(move, forKey: cookie), let node = old.node {
            self.dropDirectory(node)
        }
    }

    mutating func takeMove(_ cookie: UInt32) -> Move? {
        self.moves.removeValue(forKey: cookie)
    }

    /// Says that every event so far has been received: nothing to come happened before now.
    mutating func queueRanEmpty() {
        if self.doubtsFresh { self.doubted.formUnion(self.fresh) }
        self.doubtsFresh = false
        self.fresh = []
    }

    /// Says that some time has passed: what left its place and did not appear since has left the tree.
    mutating func endMoves() {
        for cookie in self.moves.keys { self.moves[cookie]?.age += 1 }
        self.endMoves { $0.age >= Self.moveAge }
        for index in self.displaced.indices { self.displaced[index].age += 1 }
        while let old = self.displaced.first(where: { $0.age >= Self.moveAge }) {
            self.dropDirectory(old.node)
        }
    }

    private mutating func endMoves(_ isOver: (Move) -> Bool) {
        for (cookie, move) in self.moves where isOver(move) {
            self.moves[cookie] = nil
            if let node = move.node { self.dropDirectory(node) }
        }
    }
}
