import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

/// A watcher as a stream of messages: `start`, then `filesystem` and `keepalive`.
final class WatchSource: MessageSource {
    private struct State {
        var isStarted = false
        var wake: (@Sendable () -> Void)?
        var keepaliveTimer: Scheduled<Void>?
        var lastEvent = NIODeadline.now()
        var isKeepaliveDue = false
    }

    private let watcher: NIOLoopBound<Watcher>
    private let encoding: WatchEncoding
    private let keepalive: TimeAmount
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// Takes what `watcher` sees. Called on the event loop.
    init(_ watcher: Watcher, keepalive: TimeAmount, eventLoop: any EventLoop, encoding: WatchEncoding) {
        self.watcher = NIOLoopBound(watcher, eventLoop: eventLoop)
        self.encoding = encoding
        self.keepalive = keepalive
        self.eventLoop = eventLoop
        let state = NIOLoopBoundBox(State(), eventLoop: eventLoop)
        self.state = state
        watcher.wake = { state.value.wake?() }
    }

    func whenReady(_ wake: @escaping @Sendable () -> Void) {
        self.state.value.wake = wake
    }

    func detach() {
        self.state.value.keepaliveTimer?.cancel()
        self.state.value.keepaliveTimer = nil
        self.state.value.wake = nil
        self.watcher.value.close()
    }

    func next(into buffer: inout ByteBuffer) -> MessageSourceStep {
        guard self.state.value.isStarted else {
            self.state.value.isStarted = true
            self.scheduleKeepalive(in: self.keepalive)
            return self.message(.with { $0.start = .init() }, into: &buffer)
        }
        if let item = self.watcher.value.next() {
            self.state.value.lastEvent = .now()
            return self.message(.with { $0.filesystem = .init(item) }, into: &buffer)
        }
        if let failure = self.watcher.value.failure { return .failed(failure) }
        guard self.state.value.isKeepaliveDue else { return .waiting }
        self.state.value.isKeepaliveDue = false
        return self.message(.with { $0.keepalive = .init() }, into: &buffer)
    }

    private func message(
        _ response: Filesystem_WatchDirResponse, into buffer: inout ByteBuffer
    ) -> MessageSourceStep {
        self.encoding.write(response, into: &buffer)
        return .message(payload: nil)
    }

    private func scheduleKeepalive(in wait: TimeAmount) {
        self.state.value.keepaliveTimer = self.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            let left = self.state.value.lastEvent + self.keepalive - .now()
            if left > .nanoseconds(0) {
                self.scheduleKeepalive(in: left)
            } else {
                self.state.value.isKeepaliveDue = true
                self.state.value.lastEvent = .now()
                self.scheduleKeepalive(in: self.keepalive)
                self.state.value.wake?()
            }
        }
    }
}
