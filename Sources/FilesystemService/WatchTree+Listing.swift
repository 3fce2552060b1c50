import LinuxSystem

extension WatchTree {
    /// Forgets what is not in a new listing of a directory, and tells that it was removed, what is deepest first.
    ///
    /// - Parameter entries: the listing, in the order of the names' bytes.
    mutating func beginListing(
        _ entries: [ListedEntry], of node: Node, into changes: inout [WatchChange]
    ) {
        self.fresh.insert(node)
        let known = self.directories[Int(node)].entries
        guard known.count > 0 else {
            let bytes = entries.reduce(0) {
                $0 + WatchedEntries.recordBytes($1.name, isDirectory: $1.isDirectory)
            }
            self.directories[Int(node)].entries.reserve(bytes)
            return
        }
        guard let path = self.path(of: node) else { return }
        var kinds: [[UInt8]: Bool] = [:]
        for entry in entries { kinds[entry.name] = entry.isDirectory }
        let gone = known.all.filter { kinds[$0.name] != $0.entry.isDirectory }
        for (name, entry) in gone.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            if let inner = entry.node { self.tellRemoval(of: inner, path.appending(name), into: &changes) }
            changes.append(WatchChange(.remove, path.appending(name)))
            self.forgetEntry(name, of: node)
        }
    }

    /// Takes one entry of a listing.
    ///
    /// - Parameter isTold: whether an entry that was unknown is told to the client.
    /// - Returns: the directory, if it is one that is to be scanned.
    mutating func addListed(
        _ entry: ListedEntry, to node: Node, isTold: Bool, into changes: inout [WatchChange]
    ) -> Node? {
        guard let path = self.path(of: node)?.appending(entry.name) else { return nil }
        if let known = self.entry(entry.name, of: node) {
            switch entry.change {
            case .content: changes.append(WatchChange(.write, path))
            case .attributes: changes.append(WatchChange(.chmod, path))
            case nil: break
            }
            // Where the path has changed, it may have to be watched now.
            guard entry.isDirectory, known.node == nil else { return known.node }
        } else if isTold {
            changes.append(WatchChange(.create, path))
        }
        let inner = entry.isDirectory && self.enters(path) ? self.addDirectory(entry.name, to: node) : nil
        self.setEntry(entry.name, of: node, .init(isDirectory: entry.isDirectory, node: inner))
        return inner
    }

    /// Tells that all that was known in a directory is gone: nothing, where another takes the place of an empty one.
    func tellRemoval(of node: Node, _ path: WatchPath, into changes: inout [WatchChange]) {
        enum Task {
            case directory(Node, WatchPath)
            case removal(WatchPath)
        }
        var tasks = [Task.directory(node, path)]
        while let task = tasks.popLast() {
            switch task {
            case .removal(let path): changes.append(WatchChange(.remove, path))
            case .directory(let node, let path):
                let all = self.directories[Int(node)].entries.all
                // Reversed, because the last is taken first.
                for (name, entry) in all.sorted(by: { $1.name.lexicographicallyPrecedes($0.name) }) {
                    tasks.append(.removal(path.appending(name)))
                    if let inner = entry.node { tasks.append(.directory(inner, path.appending(name))) }
                }
            }
        }
    }
}
