/// Two entries that change places in one step.
///
/// - SeeAlso: rename(2), `RENAME_EXCHANGE`.
extension WatchTree {
    /// A watched directory whose name something else has taken by a rename: it is gone, as the next event says then, or
    /// takes the place of that in turn (`RENAME_EXCHANGE`, rename(2)).
    struct Displaced: Sendable {
        var parent: Node
        var name: [UInt8]
        var node: Node
        /// Whether what is in it has been told to be gone.
        var isTold: Bool
        /// How often the queue has been empty since.
        var age = 0
    }

    /// Exchanges under way; the kernel tells of one right after the other.
    private static let pendingExchanges = 16

    /// Takes a directory out of the place that something else has taken.
    mutating func displace(_ node: Node, isTold: Bool) {
        let directory = self.directories[Int(node)]
        if self.displaced.count >= Self.pendingExchanges { self.dropDirectory(self.displaced[0].node) }
        self.removeEntry(directory.name, of: directory.parent)
        self.displaced.append(
            Displaced(parent: directory.parent, name: directory.name, node: node, isTold: isTold))
        self.detach(node)
    }

    /// The directory that something else has displaced from a place which is being left now.
    mutating func takeDisplaced(_ name: [UInt8], of parent: Node) -> Displaced? {
        let index = self.displaced.lastIndex { $0.parent == parent && $0.name == name }
        return index.map { self.displaced.remove(at: $0) }
    }

    /// Forgets a directory if it was displaced: it is gone.
    mutating func endDisplacement(of node: Node) {
        guard self.displaced.contains(where: { $0.node == node }) else { return }
        self.dropDirectory(node)
    }
}
