import LinuxSystem
import Synchronization
import SystemPackage

/// The watches of one inotify instance, which several watchers share: how many want each of them.
///
/// Adding and giving back happen on threads that may block, one at a time: what one watcher gives back, another may
/// be adding.
final class WatchCounts: Sendable {
    private let inotify: Inotify
    private let counts = Mutex<[Int32: Int]>([:])

    init(_ inotify: Inotify) {
        self.inotify = inotify
    }

    /// Watches an open directory; the same one gets the same watch.
    ///
    /// - Throws: `Errno`: `noSpace` at the limit of watches.
    func add(_ directory: borrowing OwnedDescriptor) throws(Errno) -> Int32 {
        try self.counts.withLock { counts throws(Errno) in
            let watch = try self.inotify.watch(directory)
            counts[watch, default: 0] += 1
            return watch
        }
    }

    /// Gives back watches, each as often as it was added.
    func release(_ watches: [Int32]) {
        guard !watches.isEmpty else { return }
        self.counts.withLock { counts in
            for watch in watches {
                let count = counts[watch, default: 1] - 1
                if count > 0 {
                    counts[watch] = count
                } else {
                    counts[watch] = nil
                    self.inotify.unwatch(watch)
                }
            }
        }
    }
}
