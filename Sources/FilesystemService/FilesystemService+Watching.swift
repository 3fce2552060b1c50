import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import SandboxContext
import SystemPackage

extension FilesystemService {
    /// Begins to watch a directory: when this returns, nothing is missed any more.
    ///
    /// - Returns: the watcher and, if a snapshot is wanted, what is there already.
    /// - Throws: `ConnectError`: `notFound` or `invalidArgument` if it cannot be watched, `resourceExhausted` at the
    ///   kernel's limits. Nothing stays behind then.
    func watch(
        _ path: String, _ options: WatchOptions, as account: Account
    ) async throws(ConnectError) -> (watcher: Watcher, snapshot: [WatchQueue.Item]) {
        let hub = self.hub.value
        let watcher = try hub.makeWatcher(options)
        let counts: Result<WatchCounts, Errno>
        do {
            counts = .success(try hub.openCounts())
        } catch {
            counts = .failure(error)
        }
        let (files, names, limits) = (self.files, self.names, hub.limits)
        do throws(ConnectError) {
            let found = try await files.pool.run {
                () throws(ConnectError) -> (place: WatchPlace, scan: Handoff<WatchScan>) in
                let place: WatchPlace
                do throws(FilesystemFailure) {
                    place = try WatchPlace(
                        path, as: account, allowsNetwork: options.allowsNetwork, files: files, names: names)
                } catch {
                    throw error.error
                }
                return (place, Handoff(try Self.scan(place, counts, options, limits)))
            }
            guard let scan = found.scan.take() else {
                throw ConnectError(.internalError, "the directory that was scanned was lost")
            }
            watcher.begin(found.place, scan.tree)
            return (watcher, scan.items)
        } catch {
            watcher.close()
            throw error
        }
    }

    /// Watches a directory and, if that was asked for, those inside. On a thread that may block.
    private static func scan(
        _ place: WatchPlace, _ counts: Result<WatchCounts, Errno>, _ options: WatchOptions,
        _ limits: WatchLimits
    ) throws(ConnectError) -> WatchScan {
        let shared: WatchCounts
        do {
            shared = try counts.get()
        } catch {
            let limit = error == .tooManyOpenFiles ? ": \(InotifyLimit.instances.text)" : ""
            throw ConnectError(
                .resourceExhausted, "error creating watcher: \(error.lowercasedDescription)\(limit)",
                cause: error)
        }
        let tree = WatchTree(
            isRecursive: options.isRecursive, tellsEveryCreate: place.isOnNetwork, filter: options.filter)
        var scan = WatchScan(place, shared, tree, describes: options.includesEntries, limits: limits)
        do throws(ConnectError) {
            try scan.begin(isTold: options.wantsSnapshot)
        } catch {
            scan.tree.lose()
            shared.release(scan.tree.takeReleasedWatches())
            throw error
        }
        return scan
    }

    /// Returns when every watcher has seen what has happened up to now, and watches the directories that were made;
    /// at the latest after a while. Whoever makes directories calls it before the answer.
    package func settleWatchers() async {
        let hub = self.hub.value
        hub.drain()
        guard hub.hasUnsettled else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            hub.whenSettled { continuation.resume() }
        }
    }
}
