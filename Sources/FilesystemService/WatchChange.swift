import LinuxSystem

/// What a client is told of one change in a watched tree.
struct WatchChange: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case create
        case write
        case remove
        case rename
        case chmod
    }

    var kind: Kind
    /// Relative to the watched directory, which is `.` itself.
    var path: WatchPath
    /// Where a created entry was before, if it was in the tree.
    var origin: WatchPath?
    /// Where a renamed entry is now, if that is known already.
    var destination: WatchPath?

    init(_ kind: Kind, _ path: WatchPath, origin: WatchPath? = nil, destination: WatchPath? = nil) {
        self.kind = kind
        self.path = path
        self.origin = origin
        self.destination = destination
    }

    /// Whether there is something to describe at the path afterwards.
    var leavesEntry: Bool {
        switch self.kind {
        case .create, .write, .chmod: true
        case .remove, .rename: false
        }
    }
}
