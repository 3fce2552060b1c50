import HTTPTransport
package import NIOCore

/// Asks the metadata service until it answers, and tells what it said. Bound to an event loop.
package final class MetadataPoll: Sendable {
    /// Between two attempts.
    private static let period = TimeAmount.milliseconds(50)
    /// Between two attempts, when those of ``patience`` were in vain.
    private static let slowPeriod = TimeAmount.seconds(1)
    private static let patience = TimeAmount.seconds(60)

    private let service: MetadataService
    private let eventLoop: any EventLoop
    private let executor: EventLoopTaskExecutor
    private let found: @Sendable (MachineMetadata) async -> Void
    private let gaveUp: @Sendable (String) -> Void
    private let current: NIOLoopBoundBox<Task<Void, Never>?>

    /// - Parameters:
    ///   - found: is called with every answer.
    ///   - gaveUp: is called with a line for people when the time for an answer is over.
    init(
        _ service: MetadataService, on eventLoop: any EventLoop,
        found: @escaping @Sendable (MachineMetadata) async -> Void,
        gaveUp: @escaping @Sendable (String) -> Void
    ) {
        self.service = service
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.found = found
        self.gaveUp = gaveUp
        self.current = NIOLoopBoundBox.makeBoxSendingValue(nil, eventLoop: eventLoop)
    }

    /// Begins anew; what is under way ends.
    ///
    /// - Parameter limit: time for an answer; nil is for ever.
    package func start(within limit: TimeAmount?) {
        self.current.value?.cancel()
        let start = NIODeadline.now()
        self.current.value = self.executor.startTask { await self.poll(since: start, within: limit) }
    }

    /// Ends what is under way.
    func stop() {
        self.current.value?.cancel()
    }

    private func poll(since start: NIODeadline, within limit: TimeAmount?) async {
        while !Task.isCancelled {
            do {
                let metadata = try await self.service.fetch()
                if !Task.isCancelled { await self.found(metadata) }
                return
            } catch {
                if Task.isCancelled { return }
                let waited = NIODeadline.now() - start
                if let limit, waited >= limit {
                    self.gaveUp("gave up polling for mmds opts: \(error)")
                    return
                }
                let period = waited < Self.patience ? Self.period : Self.slowPeriod
                // It fails when the event loop ends.
                guard (try? await self.eventLoop.scheduleTask(in: period) {}.futureResult.get()) != nil else {
                    return
                }
            }
        }
    }
}
