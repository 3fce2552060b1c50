import LinuxSystem

extension WatchTree {
    /// Takes the next event of the kernel, and says what is to be told of it.
    ///
    /// Of an event with several bits, the changes are told in the order create, rename, chmod, write, remove.
    ///
    /// - Parameter next: the event after it, if it is known: most often, what has left its place appears there.
    mutating func receive(
        _ event: WatchEvent, before next: WatchEvent? = nil, into changes: inout [WatchChange]
    ) -> Step {
        guard !self.isLost else { return .done }
        if event.mask.contains(.overflow) { return .rescan }
        guard let node = self.nodeOfWatch[event.watch] else { return .done }
        if event.name.isEmpty {
            self.receiveOfItself(event, node, into: &changes)
            return .done
        }
        return self.receiveOfEntry(event, node, next, into: &changes)
    }

    /// Where the next event says that something has moved to.
    private func destination(of event: WatchEvent, _ next: WatchEvent?) -> WatchPath? {
        guard event.mask.contains(.movedFrom), let next, next.mask.contains(.movedTo),
            next.cookie == event.cookie, let node = self.nodeOfWatch[next.watch]
        else { return nil }
        return self.path(of: node)?.appending(next.name)
    }

    /// What happened to a watched directory itself. Its parent's watch tells the same of an inner one.
    private mutating func receiveOfItself(
        _ event: WatchEvent, _ node: Node, into changes: inout [WatchChange]
    ) {
        guard node == Self.root else {
            // The number of its links has changed, if nothing else: a rename has put something else in its place.
            if !event.mask.isDisjoint(with: [.attributesChanged, .deletedSelf]) {
                self.endDisplacement(of: node)
            }
            if event.mask.contains(.ignored) { self.watchEnded(event.watch) }
            return
        }
        let root = WatchPath()
        if event.mask.contains(.movedSelf) { changes.append(WatchChange(.rename, root)) }
        if event.mask.contains(.attributesChanged) { changes.append(WatchChange(.chmod, root)) }
        let isGone = !event.mask.isDisjoint(with: [.deletedSelf, .unmounted, .ignored])
        if isGone { changes.append(WatchChange(.remove, root)) }
        if isGone || event.mask.contains(.movedSelf) { self.lose() }
    }

    private mutating func receiveOfEntry(
        _ event: WatchEvent, _ node: Node, _ next: WatchEvent?, into changes: inout [WatchChange]
    ) -> Step {
        guard let directory = self.path(of: node) else { return .done }
        let path = directory.appending(event.name)
        let isDirectory = event.mask.contains(.isDirectory)
        var step = Step.done
        if event.mask.contains(.created) {
            step = self.entryAppeared(event.name, in: node, isDirectory, path, into: &changes)
        }
        if event.mask.contains(.movedTo) {
            step = self.entryMovedIn(event, before: next, to: node, isDirectory, path, into: &changes)
        }
        if event.mask.contains(.movedFrom) {
            let inner = self.entryMovedOut(event.name, of: node, isDirectory)
            self.beginMove(event.cookie, Move(origin: path, node: inner))
            changes.append(WatchChange(.rename, path, destination: self.destination(of: event, next)))
        }
        if event.mask.contains(.attributesChanged) { changes.append(WatchChange(.chmod, path)) }
        if event.mask.contains(.modified) { changes.append(WatchChange(.write, path)) }
        if event.mask.contains(.deleted) {
            // Of what a listing made after this event did not find, it has been told that it is gone.
            let isTold = self.fresh.contains(node) && self.entry(event.name, of: node) == nil
            self.forgetEntry(event.name, of: node)
            if !isTold { changes.append(WatchChange(.remove, path)) }
        }
        return step
    }

    private mutating func entryAppeared(
        _ name: [UInt8], in node: Node, _ isDirectory: Bool, _ path: WatchPath,
        into changes: inout [WatchChange]
    ) -> Step {
        let known = self.entry(name, of: node)
        if let known, self.fresh.contains(node), !self.tellsEveryCreate, known.isDirectory == isDirectory {
            return .done  // A listing made after this event has told it already.
        }
        if let inner = known?.node { self.tellRemoval(of: inner, path, into: &changes) }
        changes.append(WatchChange(.create, path))
        return self.putEntry(name, in: node, isDirectory, path)
    }

    /// Notes an entry that is new, whatever was there before.
    private mutating func putEntry(
        _ name: [UInt8], in node: Node, _ isDirectory: Bool, _ path: WatchPath
    ) -> Step {
        self.forgetEntry(name, of: node)
        guard isDirectory, self.enters(path) else {
            self.setEntry(name, of: node, .init(isDirectory: isDirectory, node: nil))
            return .done
        }
        let inner = self.addDirectory(name, to: node)
        self.setEntry(name, of: node, .init(isDirectory: true, node: inner))
        return .scan(inner)
    }

    /// Takes an entry out of its place; nil unless it is a directory that is watched.
    private mutating func entryMovedOut(_ name: [UInt8], of node: Node, _ isDirectory: Bool) -> Node? {
        if isDirectory, let displaced = self.takeDisplaced(name, of: node) {
            // The second half of an exchange: what has the name now keeps it.
            guard displaced.isTold else { return displaced.node }
            self.dropDirectory(displaced.node)
            return nil
        }
        guard let entry = self.entry(name, of: node) else { return nil }
        // Such a half, too, of what was no directory, or not watched.
        guard entry.isDirectory == isDirectory else { return nil }
        if let inner = entry.node { self.doubtFresh(in: inner) }
        self.removeEntry(name, of: node)
        return entry.node
    }

    /// Whether the event after that of something that took the place of a directory says that this one is not gone:
    /// the kernel tells that it has lost a link first.
    private func isExchange(_ event: WatchEvent, _ moved: Node?, _ next: WatchEvent?) -> Bool {
        guard let next else { return false }
        if next.mask.contains(.movedSelf), let moved { return self.nodeOfWatch[next.watch] == moved }
        return next.mask.contains(.movedFrom) && next.watch == event.watch && next.name == event.name
    }

    private mutating func entryMovedIn(
        _ event: WatchEvent, before next: WatchEvent?, to node: Node, _ isDirectory: Bool, _ path: WatchPath,
        into changes: inout [WatchChange]
    ) -> Step {
        let move = self.takeMove(event.cookie)
        var known = self.entry(event.name, of: node)?.node
        if let replaced = known, self.isWatched(replaced), !self.fresh.contains(node) {
            let isTold = !self.isExchange(event, move?.node, next)
            if isTold { self.tellRemoval(of: replaced, path, into: &changes) }
            self.displace(replaced, isTold: isTold)
            known = nil
        }
        guard let moved = move?.node, isDirectory, self.enters(path) else {
            if let known { self.tellRemoval(of: known, path, into: &changes) }
            changes.append(WatchChange(.create, path, origin: move?.origin))
            if let moved = move?.node { self.dropDirectory(moved) }
            return self.putEntry(event.name, in: node, isDirectory, path)
        }
        if self.fresh.contains(node), known.map(self.isWatched) == true, !self.isWatched(moved) {
            // A listing made after the move has found it here already, and told what is in it: that is not what was
            // in it when it left its place, as the name of that place would say.
            changes.append(WatchChange(.create, path))
            self.dropDirectory(moved)
            return .done
        }
        if let known { self.tellRemoval(of: known, path, into: &changes) }
        changes.append(WatchChange(.create, path, origin: move?.origin))
        guard !self.isInside(node, moved) else {
            self.dropDirectory(moved)
            return .done
        }
        self.forgetEntry(event.name, of: node)
        self.attach(moved, to: node, as: event.name)
        self.setEntry(event.name, of: node, .init(isDirectory: true, node: moved))
        // Something in it was looked for under the old path, in vain, or left out because of that.
        return self.unwatchedCount > 0 || self.filter?.leavesOut == true ? .scan(moved) : .done
    }

    /// Forgets an entry, and what was in it.
    mutating func forgetEntry(_ name: [UInt8], of node: Node) {
        guard let entry = self.entry(name, of: node) else { return }
        self.removeEntry(name, of: node)
        if let inner = entry.node { self.dropDirectory(inner) }
    }
}
