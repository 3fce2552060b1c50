import EnvdAPI
import SwiftProtobuf

extension Filesystem_FilesystemEvent {
    /// What a client is told.
    init(_ item: WatchQueue.Item, _ cursor: UInt64, _ options: WatchOptions) {
        self.init(item)
        guard options.isExtended else { return }
        self.cursor = cursor
        if case .change(let change, _) = item {
            if let origin = change.origin { self.renamedFrom = origin.text }
            if let destination = change.destination { self.renamedTo = destination.text }
        }
    }

    /// What a client is told that knows the reference only, and of what was there before the watch.
    init(_ item: WatchQueue.Item) {
        self.init()
        switch item {
        case .overflow(let lost):
            self.overflow = .with { if let lost { $0.lost = lost } }
        case .change(let change, let entry):
            self.name = change.path.text
            self.type = .init(change.kind)
            if let entry { self.entry = entry }
        }
    }
}

extension Filesystem_EventType {
    fileprivate init(_ kind: WatchChange.Kind) {
        switch kind {
        case .create: self = .create
        case .write: self = .write
        case .remove: self = .remove
        case .rename: self = .rename
        case .chmod: self = .chmod
        }
    }
}
