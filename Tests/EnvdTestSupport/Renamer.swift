import LinuxIO
import LinuxSystem
import Synchronization
import SystemPackage

/// A thread that exchanges pairs of names, again and again, until it is stopped.
package final class Renamer: Sendable {
    private let isStopped = Atomic(false)
    private let exchanges = Atomic(0)
    private let pool = BlockingPool(threads: 1)
    private let work: Mutex<Task<Void, any Error>?> = Mutex(nil)

    /// Begins at once.
    package init(_ pairs: [(String, String)]) {
        let work = Task {
            try await self.pool.run { () throws(Errno) in
                let root = try OwnedDescriptor.open(.root, [.pathOnly, .directory])
                var paths: [(RawPath, RawPath)] = []
                for (one, other) in pairs { paths.append((try RawPath(one), try RawPath(other))) }
                while !self.isStopped.load(ordering: .relaxed) {
                    for (one, other) in paths { try root.rename(one, to: root, other, .exchange) }
                    self.exchanges.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        self.work.withLock { $0 = work }
    }

    /// Stops, and returns when the names rest.
    ///
    /// - Returns: how often all pairs were exchanged.
    package func stop() async throws -> Int {
        self.isStopped.store(true, ordering: .relaxed)
        try await self.work.withLock { $0 }?.value
        self.pool.shutDown()
        return self.exchanges.load(ordering: .relaxed)
    }
}
