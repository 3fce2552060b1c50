import Connect
import EnvdAPI
import NIOCore
import SandboxContext
import SwiftProtobuf

/// A watcher as a stream of messages: `initial` for what is there already, `start`, then `filesystem` and
/// `keepalive`.
final class WatchSource: MessageSource {
    private struct State {
        var snapshot: CircularBuffer<WatchQueue.Item>
        var isStarted = false
        /// Another stream has the watcher now.
        var isLeft = false
        var wake: (@Sendable () -> Void)?
    }

    private let watcher: NIOLoopBound<Watcher>
    /// What the watch can be resumed by.
    private let id: String?
    private let encoding: WatchEncoding
    private let keepalive: NIOLoopBound<KeepaliveTimer>
    private let state: NIOLoopBoundBox<State>
    private let release: NIOLoopBound<(Watcher) -> Void>

    /// Takes what `watcher` sees. Called on the event loop.
    ///
    /// - Parameter release: called in the end, unless another stream has taken the watcher.
    init(
        _ watcher: Watcher, id: String?, snapshot: [WatchQueue.Item], keepalive: TimeAmount,
        eventLoop: any EventLoop, encoding: WatchEncoding, release: @escaping (Watcher) -> Void
    ) {
        self.watcher = NIOLoopBound(watcher, eventLoop: eventLoop)
        self.id = id
        self.encoding = encoding
        self.release = NIOLoopBound(release, eventLoop: eventLoop)
        let state = NIOLoopBoundBox(State(snapshot: CircularBuffer(snapshot)), eventLoop: eventLoop)
        self.state = state
        let timer = KeepaliveTimer(keepalive, on: eventLoop) { state.value.wake?() }
        self.keepalive = NIOLoopBound(timer, eventLoop: eventLoop)
        watcher.wake = { state.value.wake?() }
        watcher.leave = {
            state.value.isLeft = true
            state.value.wake?()
        }
    }

    func whenReady(_ wake: @escaping @Sendable () -> Void) {
        self.state.value.wake = wake
    }

    func detach() {
        self.keepalive.value.stop()
        self.state.value.wake = nil
        guard !self.state.value.isLeft else { return }
        let watcher = self.watcher.value
        watcher.wake = nil
        watcher.leave = nil
        self.release.value(watcher)
    }

    func next(into buffer: inout ByteBuffer) -> MessageSourceStep {
        guard !self.state.value.isLeft else {
            return .failed(ConnectError(.aborted, "another stream goes on with this watch"))
        }
        guard self.state.value.isStarted else { return self.nextBeforeStart(into: &buffer) }
        let watcher = self.watcher.value
        if let event = watcher.next() {
            self.keepalive.value.restart()
            return self.message(.with { $0.filesystem = event }, into: &buffer)
        }
        if watcher.isClosed { return .failed(ConnectError(.aborted, "the watcher has been removed")) }
        if let failure = watcher.failure { return .failed(failure) }
        guard self.keepalive.value.takeDue() else { return .waiting }
        return self.message(.with { $0.keepalive = .init() }, into: &buffer)
    }

    private func nextBeforeStart(into buffer: inout ByteBuffer) -> MessageSourceStep {
        if let item = self.state.value.snapshot.popFirst() {
            return self.message(.with { $0.initial = .init(item) }, into: &buffer)
        }
        self.state.value.isStarted = true
        self.keepalive.value.start()
        let cursor = self.watcher.value.cursor
        return self.message(
            .with {
                $0.start = .init()
                guard let id = self.id else { return }
                $0.start.position.watchID = id
                $0.start.position.cursor = cursor
            }, into: &buffer)
    }

    private func message(
        _ response: Filesystem_WatchDirResponse, into buffer: inout ByteBuffer
    ) -> MessageSourceStep {
        self.encoding.write(response, into: &buffer)
        return .message(payload: nil)
    }
}
