import NIOCore

/// Tells the end of a call to those who asked for it. Bound to the call's event loop.
final class CallCompletion: Sendable {
    private struct State {
        var observers: [(ConnectError?) -> Void] = []
        var isOver = false
        var error: ConnectError?
    }

    private let state: NIOLoopBoundBox<State>

    init(_ eventLoop: any EventLoop) {
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    func add(_ observer: @escaping (ConnectError?) -> Void) {
        if self.state.value.isOver {
            observer(self.state.value.error)
        } else {
            self.state.value.observers.append(observer)
        }
    }

    /// Only the first end counts.
    func finish(_ error: ConnectError?) {
        guard !self.state.value.isOver else { return }
        self.state.value.isOver = true
        self.state.value.error = error
        let observers = self.state.value.observers
        self.state.value.observers = []
        for observer in observers { observer(error) }
    }
}
