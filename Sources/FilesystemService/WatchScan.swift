import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SystemPackage

/// What a watcher cannot do on the event loop: it scans directories and describes entries, on a thread that may
/// block, and owns the watcher's tree meanwhile.
struct WatchScan: Sendable {
    /// Events that were lost, none of them from before a time; how many, if that is known.
    struct Loss: Sendable {
        var since: FileTime
        var count: UInt64?
    }

    let place: WatchPlace
    let counts: WatchCounts
    let limits: WatchLimits
    var tree: WatchTree
    /// Whether entries are described.
    let describes: Bool
    private(set) var items: [WatchQueue.Item] = []
    /// Whether ``WatchTree/Step/verify`` did not find the directory at its path.
    private(set) var isOutOfPlace = false
    private var changes: [WatchChange] = []
    /// Open while there is something to scan.
    private var root: WatchPlace.Root?

    init(
        _ place: WatchPlace, _ counts: WatchCounts, _ tree: consuming WatchTree, describes: Bool,
        limits: WatchLimits
    ) {
        self.place = place
        self.counts = counts
        self.tree = tree
        self.describes = describes
        self.limits = limits
    }

    /// Watches the root, and everything below it if the tree is recursive.
    ///
    /// - Parameter isTold: whether what is there is told.
    mutating func begin(isTold: Bool) throws(ConnectError) {
        try self.scan(WatchTree.root, isTold: isTold, since: nil)
        self.describeChanges()
        guard self.items.count <= self.limits.snapshotEntries else {
            throw ConnectError(
                .resourceExhausted,
                "\(self.place.path) has more than \(self.limits.snapshotEntries) entries, which is the limit of a "
                    + "snapshot")
        }
    }

    /// Goes on after a step that the event loop could not take, and with the events after that one.
    mutating func run(
        _ step: WatchTree.Step, _ loss: Loss, _ received: [Watcher.Received]
    ) throws(ConnectError) {
        try self.take(step, loss)
        var first = loss.since
        let lastLoss = received.lastIndex { $0.event == nil }
        for (position, item) in received.enumerated() {
            switch item {
            case .event(let event):
                let next = received.dropFirst(position + 1).first?.event
                let step = self.tree.receive(event, before: next, into: &self.changes)
                self.describeChanges()
                try self.take(step, loss)
            case .lost(let since, let count):
                // One listing repairs all losses before it.
                first = min(first, since)
                if position == lastLoss { try self.take(.rescan, Loss(since: first, count: count)) }
            }
        }
    }

    private mutating func take(_ step: WatchTree.Step, _ loss: Loss) throws(ConnectError) {
        switch step {
        case .done: return
        case .scan(let node): try self.scan(node, isTold: true, since: nil)
        case .verify:
            guard try self.opensRoot() else {
                self.isOutOfPlace = true
                return
            }
            for node in self.tree.takeDoubted() where self.tree.contains(node) {
                try self.scan(node, isTold: true, since: nil, entersKnown: false)
                guard let parent = self.tree.parentOfMissing(node) else { continue }
                try self.scan(parent, isTold: true, since: nil, entersKnown: false)
            }
        case .rescan:
            guard !self.tree.isLost else { return }
            guard try self.opensRoot() else {
                self.items += Self.end(lost: loss.count)
                self.tree.lose()
                break
            }
            self.items.append(.overflow(lost: loss.count))
            // Stamps lag behind the clock.
            let since = loss.since.earlier(nanoseconds: FileTime.tick)
            try self.scan(WatchTree.root, isTold: true, since: since)
        }
        self.describeChanges()
    }

    /// What is told where the directory is gone, and with it the events that would say so.
    static func end(lost: UInt64?) -> [WatchQueue.Item] {
        [.overflow(lost: lost), .change(WatchChange(.remove, WatchPath()), nil)]
    }

    /// Whether the path still leads to the directory; what is scanned then is what is in it.
    private mutating func opensRoot() throws(ConnectError) -> Bool {
        do {
            self.root = try self.place.open()
            return true
        } catch {
            switch error {
            case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .staleNFSFileHandle:
                return false
            default: throw self.failure(error, WatchPath())
            }
        }
    }

    private mutating func describeChanges() {
        for change in self.changes where self.tree.filter?.tells(change.path) != false {
            let entry = self.describes && change.leavesEntry ? self.place.describe(change.path) : nil
            self.items.append(.change(change, entry))
        }
        self.changes = []
    }

    // MARK: Scanning

    private struct Frame {
        let node: WatchTree.Node
        let entries: [ListedEntry]
        /// Whether the directory is another than it was taken for, or new.
        let isNew: Bool
        var position = 0
    }

    /// Watches and lists a directory and all directories in it, and tells what was not known: each entry, then what
    /// is in it, in the order of the names.
    ///
    /// - Parameter entersKnown: also those directories in it that are known and watched.
    private mutating func scan(
        _ node: WatchTree.Node, isTold: Bool, since: FileTime?, entersKnown: Bool = true
    ) throws(ConnectError) {
        try self.scanOne(node, isTold: isTold, since: since, entersKnown: entersKnown)
        while let robbed = self.tree.takeRobbed() {
            try self.scanOne(robbed, isTold: isTold, since: since, entersKnown: true)
        }
    }

    private mutating func scanOne(
        _ node: WatchTree.Node, isTold: Bool, since: FileTime?, entersKnown: Bool
    ) throws(ConnectError) {
        var frames: [Frame] = []
        if let frame = try self.open(node, since: since) { frames.append(frame) }
        while var frame = frames.popLast() {
            guard frame.position < frame.entries.count else { continue }
            let entry = frame.entries[frame.position]
            frame.position += 1
            let node = frame.node
            frames.append(frame)
            let inner = self.tree.addListed(entry, to: node, isTold: isTold, into: &self.changes)
            guard let inner, entersKnown || frame.isNew || !self.tree.isWatched(inner),
                let frame = try self.open(inner, since: since)
            else { continue }
            frames.append(frame)
        }
    }

    /// Watches and lists one directory; nil if that is not possible, and the rest goes on without it.
    private mutating func open(
        _ node: WatchTree.Node, since: FileTime?
    ) throws(ConnectError) -> Frame? {
        guard let path = self.tree.path(of: node) else { return nil }
        let armed: WatchPlace.Armed
        do {
            armed = try self.arm(path, since: since)
        } catch {
            switch error {
            case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .staleNFSFileHandle:
                // It has gone or moved meanwhile: an event says so.
                self.tree.leaveUnwatched(node, isClosed: false)
            case .permissionDenied, .notPermitted, .fileNameTooLong, .ioError:
                self.tree.leaveUnwatched(node, isClosed: true)
            default: throw self.failure(error, path)
            }
            guard node != WatchTree.root else { throw self.failure(error, path) }
            return nil
        }
        let isNew = self.tree.directories[Int(node)].watch != armed.watch
        guard self.tree.setWatch(armed.watch, of: node) else {
            self.tree.leaveUnwatched(node, isClosed: true)
            return nil
        }
        self.tree.beginListing(armed.entries, of: node, into: &self.changes)
        guard self.tree.bytes <= self.limits.treeBytes else {
            throw ConnectError(
                .resourceExhausted,
                "\(self.place.path) has too many entries to be watched: their names take more than "
                    + "\(self.limits.treeBytes >> 20) MiB")
        }
        return Frame(node: node, entries: armed.entries, isNew: isNew)
    }

    /// Watches and lists a directory; at the limit of watches, the kernel is asked for more.
    private mutating func arm(_ path: WatchPath, since: FileTime?) throws(Errno) -> WatchPlace.Armed {
        let root = if let root = self.root { root } else { try self.place.open() }
        self.root = root
        do {
            return try self.place.arm(path, in: root, self.counts, since: since)
        } catch {
            guard error == .noSpace, let present = InotifyLimit.watches.value,
                InotifyLimit.watches.raise(to: min(2 * present, self.limits.watches))
            else { throw error }
            return try self.place.arm(path, in: root, self.counts, since: since)
        }
    }

    private func failure(_ error: Errno, _ path: WatchPath) -> ConnectError {
        let root = self.place.path
        let whole = path.bytes.isEmpty ? root : "\(root)/\(path.text)"
        let words = "error adding path \(whole) to watcher: \(error.lowercasedDescription)"
        switch error {
        case .noSpace:
            return ConnectError(
                .resourceExhausted, "\(words): \(InotifyLimit.watches.text)", cause: error)
        case .permissionDenied, .notPermitted: return ConnectError(.permissionDenied, words, cause: error)
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory:
            return ConnectError(.resourceExhausted, words, cause: error)
        default: return ConnectError(.internalError, words, cause: error)
        }
    }
}
