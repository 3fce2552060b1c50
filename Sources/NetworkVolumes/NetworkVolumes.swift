import HTTPTransport
import LinuxIO
import LinuxSystem
package import NIOCore
import SystemPackage

/// Mounts network volumes (NFS) in the sandbox.
///
/// A volume that is mounted already in this life of the sandbox stays; one of an earlier life is mounted anew, because
/// its connection is of a machine that is gone. Bound to an event loop.
package final class NetworkVolumes: Sendable {
    /// A volume and its place.
    package struct Volume: Sendable, Equatable {
        /// Server and export: `10.0.0.1:/volume`.
        package var target: String
        /// An absolute path.
        package var path: String

        package init(target: String, path: String) {
            self.target = target
            self.path = path
        }
    }

    /// Why a volume is not mounted.
    package struct Failure: Error, Equatable {
        package var message: String
    }

    private struct MountUnderWay {
        let volume: Volume
        let lifecycle: String
        let result: EventLoopFuture<Failure?>
    }

    /// Time for all mounts of one request.
    package static let budget = TimeAmount.seconds(10)
    /// Mounts that are under way at once: the kernel waits long for a server that is silent.
    private static let threads = 8

    private let table: MountCalls
    private let budget: TimeAmount
    private let pool = BlockingPool(threads: threads)
    private let lock = FairLock()
    private let eventLoop: any EventLoop
    private let ledger: NIOLoopBoundBox<VolumeLedger>
    /// What the kernel is at, by path: maybe for longer than the budget of the request that wanted it.
    private let underWay: NIOLoopBoundBox<[String: MountUnderWay]>

    package init(
        _ table: MountCalls = .system, budget: TimeAmount = NetworkVolumes.budget, on eventLoop: any EventLoop
    ) {
        self.table = table
        self.budget = budget
        self.eventLoop = eventLoop
        self.ledger = NIOLoopBoundBox.makeBoxSendingValue(VolumeLedger(), eventLoop: eventLoop)
        self.underWay = NIOLoopBoundBox.makeBoxSendingValue([:], eventLoop: eventLoop)
    }

    /// Mounts those of `volumes` that this `lifecycle` has not, all at once; whatever becomes of the task.
    ///
    /// - Throws: ``Failure`` of the first that fails. The others are mounted all the same.
    package func mount(_ volumes: [Volume], lifecycle: String) async throws(Failure) {
        let result = await self.lock.run { await self.mountInTurn(volumes, lifecycle) }
        if let result { throw result }
    }

    private func mountInTurn(_ volumes: [Volume], _ lifecycle: String) async -> Failure? {
        let wanted = volumes.filter { self.ledger.value.needsMount($0.path, lifecycle: lifecycle) }
        guard !wanted.isEmpty else { return nil }
        let promise = self.eventLoop.makePromise(of: Failure?.self)
        let executor = EventLoopTaskExecutor(self.eventLoop)
        let task = executor.startTask {
            await withTaskGroup(of: Failure?.self) { group in
                for volume in wanted {
                    group.addTask(executorPreference: executor) { await self.mount(volume, lifecycle) }
                }
                var first: Failure?
                for await failure in group where first == nil { first = failure }
                promise.succeed(first)
            }
        }
        let timer = self.eventLoop.scheduleTask(in: self.budget) {
            // What has not begun does not begin any more: who asks again would wait behind it.
            task.cancel()
            promise.succeed(
                Failure(
                    message: "failed to mount NFS at \"\(wanted[0].path)\": context deadline exceeded"))
        }
        let result = try? await promise.futureResult.get()
        timer.cancel()
        return result ?? nil
    }

    /// Mounts a volume, unless an earlier request's mount of the same one is under way: then its result is this one's.
    private func mount(_ volume: Volume, _ lifecycle: String) async -> Failure? {
        while let other = self.underWay.value[volume.path] {
            let result = try? await other.result.get()
            if other.volume == volume, other.lifecycle == lifecycle { return result ?? nil }
            if Task.isCancelled { return nil }
        }
        guard self.ledger.value.needsMount(volume.path, lifecycle: lifecycle) else { return nil }
        let promise = self.eventLoop.makePromise(of: Failure?.self)
        self.underWay.value[volume.path] = MountUnderWay(
            volume: volume, lifecycle: lifecycle, result: promise.futureResult)
        // Whatever comes of it: what was there is not there any more.
        self.ledger.value.removed(volume.path)
        let table = self.table
        let failure = await self.pool.run { Self.mount(volume, table) }
        if failure == nil { self.ledger.value.mounted(volume.path, lifecycle: lifecycle) }
        self.underWay.value[volume.path] = nil
        promise.succeed(failure)
        return failure
    }

    /// Replaces what is mounted at the volume's place.
    private static func mount(_ volume: Volume, _ table: MountCalls) -> Failure? {
        let command = VolumeMountCommand(target: volume.target, path: volume.path)
        func failed(_ reason: String) -> Failure {
            Failure(message: "failed to mount NFS at \"\(volume.path)\": \(reason)")
        }
        guard volume.path.hasPrefix("/"), !volume.path.utf8.contains(0) else {
            return failed("the path is not absolute")
        }
        guard let server = command.server, !volume.target.utf8.contains(0) else {
            return failed(
                "`\(command.line)` failed: invalid argument\n'\(volume.target)' is no server and export")
        }
        if table.exists(volume.path), table.remove(volume.path, false) != nil,
            let error = table.remove(volume.path, true)
        {
            return Failure(
                message: "failed to unmount stale NFS mount at \"\(volume.path)\": "
                    + "`umount --lazy \(volume.path)` failed: \(error.lowercasedDescription)\n")
        }
        if let error = table.makeDirectory(volume.path) {
            return failed("`mkdir -p \(volume.path)` failed: \(error.lowercasedDescription)\n")
        }
        if let error = table.mount(volume.target, volume.path, command.data(address: server)) {
            return failed("`\(command.line)` failed: \(error.lowercasedDescription)\n")
        }
        return nil
    }
}
