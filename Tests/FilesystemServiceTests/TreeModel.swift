import LinuxSystem

@testable import FilesystemService

/// A tree, and the directories that the tests say exist: what ``WatchScan`` does with the kernel, done with data.
struct TreeModel {
    /// A directory as the kernel has it: its watch, and what is in it; directories by their keys here.
    struct Directory {
        var watch: Int32
        var entries: [String: String?]
    }

    var tree: WatchTree
    /// By their paths; the root is "".
    var directories: [String: Directory] = [:]

    init(isRecursive: Bool = true, tellsEveryCreate: Bool = false, excluding patterns: [String] = []) throws {
        self.tree = WatchTree(
            isRecursive: isRecursive, tellsEveryCreate: tellsEveryCreate,
            filter: patterns.isEmpty ? nil : try WatchFilter(include: [], exclude: patterns))
    }

    /// A directory with files and directories (whose names end with `/`) in it.
    mutating func directory(_ path: String, _ watch: Int32, _ entries: String...) {
        var names: [String: String?] = [:]
        for entry in entries {
            if entry.hasSuffix("/") {
                let name = String(entry.dropLast())
                names[name] = path.isEmpty ? name : "\(path)/\(name)"
            } else {
                names[entry] = .some(nil)
            }
        }
        self.directories[path] = Directory(watch: watch, entries: names)
    }

    /// Lists the root and everything in it; nothing is told.
    mutating func begin() {
        var changes: [WatchChange] = []
        self.scan(WatchTree.root, isTold: false, &changes)
    }

    /// Gives the tree an event, does what it asks for, and returns what it tells.
    mutating func receive(
        _ watch: Int32, _ mask: WatchEvent.Mask, _ name: String = "", cookie: UInt32 = 0
    ) -> [String] {
        self.receive(WatchEvent(watch: watch, mask: mask, cookie: cookie, name: Array(name.utf8)))
    }

    /// Gives the tree events that were read at once.
    mutating func receive(together events: [WatchEvent]) -> [String] {
        events.indices.flatMap { index in
            self.receive(events[index], before: events.dropFirst(index + 1).first)
        }
    }

    private mutating func receive(_ event: WatchEvent, before next: WatchEvent? = nil) -> [String] {
        var changes: [WatchChange] = []
        switch self.tree.receive(event, before: next, into: &changes) {
        case .done: break
        case .scan(let node): self.scan(node, isTold: true, &changes)
        case .rescan: self.scan(WatchTree.root, isTold: true, &changes)
        case .verify: self.verify(&changes)
        }
        return changes.map(Self.text)
    }

    /// Says that all events have been received, has the tree look at what is in doubt, and returns what that tells.
    mutating func settle() -> [String] {
        var changes: [WatchChange] = []
        self.tree.queueRanEmpty()
        self.verify(&changes)
        self.tree.endDoubts()
        return changes.map(Self.text)
    }

    private static func text(of change: WatchChange) -> String {
        let origin = change.origin.map { " from \($0.text)" } ?? ""
        return "\(change.kind) \(change.path.text)\(origin)"
    }

    private mutating func verify(_ changes: inout [WatchChange]) {
        for node in self.tree.takeDoubted() where self.tree.contains(node) {
            self.scan(node, isTold: true, &changes)
            if let parent = self.tree.parentOfMissing(node) { self.scan(parent, isTold: true, &changes) }
        }
    }

    private mutating func scan(_ node: WatchTree.Node, isTold: Bool, _ changes: inout [WatchChange]) {
        self.list(node, isTold: isTold, &changes)
        while let robbed = self.tree.takeRobbed() {
            self.list(robbed, isTold: isTold, &changes)
        }
    }

    private mutating func list(_ node: WatchTree.Node, isTold: Bool, _ changes: inout [WatchChange]) {
        guard let path = self.tree.path(of: node) else { return }
        guard let directory = self.directories[path.bytes.isEmpty ? "" : path.text] else {
            self.tree.leaveUnwatched(node, isClosed: false)
            return
        }
        guard self.tree.setWatch(directory.watch, of: node) else {
            self.tree.leaveUnwatched(node, isClosed: true)
            return
        }
        let entries = directory.entries.map { ListedEntry(Array($0.key.utf8), isDirectory: $0.value != nil) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
        self.tree.beginListing(entries, of: node, into: &changes)
        for entry in entries {
            if let inner = self.tree.addListed(entry, to: node, isTold: isTold, into: &changes) {
                self.list(inner, isTold: isTold, &changes)
            }
        }
    }
}
