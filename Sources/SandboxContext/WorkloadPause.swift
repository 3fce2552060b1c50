package import NIOCore

/// Whether the workload stands still, for those who wait with it. Bound to an event loop.
package final class WorkloadPause: Sendable {
    private struct State {
        var began: NIODeadline?
        var observers: [(began: () -> Void, ended: () -> Void)] = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLoopBoundBox<State>

    package init(on eventLoop: any EventLoop) {
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// When the workload was stopped; nil while it runs.
    package var began: NIODeadline? { self.state.value.began }

    /// Calls `began` each time the workload stops, and `ended` when it goes on.
    package func observe(began: @escaping () -> Void, ended: @escaping () -> Void) {
        self.state.value.observers.append((began, ended))
    }

    /// Returns when the workload runs: at once, or when it goes on.
    package func ended() async {
        guard self.state.value.began != nil else { return }
        await withCheckedContinuation { self.state.value.waiters.append($0) }
    }

    /// The workload stops.
    package func begin() {
        guard self.state.value.began == nil else { return }
        self.state.value.began = .now()
        for observer in self.state.value.observers { observer.began() }
    }

    /// The workload goes on.
    package func end() {
        guard self.state.value.began != nil else { return }
        self.state.value.began = nil
        for observer in self.state.value.observers { observer.ended() }
        let waiters = self.state.value.waiters
        self.state.value.waiters = []
        for waiter in waiters { waiter.resume() }
    }
}
