import NIOCore

/// The requests that are being answered. Belongs to the event loop.
final class RunningTransfers {
    private var count = 0
    private var waiters: [EventLoopPromise<Void>] = []

    func begin() {
        self.count += 1
    }

    func end() {
        self.count -= 1
        guard self.count == 0 else { return }
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters { waiter.succeed() }
    }

    /// Succeeds as soon as there are none, or after `limit`.
    func whenNone(within limit: TimeAmount, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        guard self.count > 0 else { return eventLoop.makeSucceededVoidFuture() }
        let none = eventLoop.makePromise(of: Void.self)
        self.waiters.append(none)
        let enough = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.scheduleTask(in: limit) { enough.succeed() }
        none.futureResult.whenComplete { _ in
            timer.cancel()
            enough.succeed()
        }
        return enough.futureResult
    }
}
