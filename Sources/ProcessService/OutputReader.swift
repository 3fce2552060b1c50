import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

/// One client's view of a process as a stream of events: `start`, then `data` and `keepalive`, then `end`.
final class OutputReader: MessageSource {
    private enum Phase {
        case start, running, ended
    }

    private struct State {
        var phase = Phase.start
        var id: Int?
        var wake: (@Sendable () -> Void)?
        var keepaliveTimer: Scheduled<Void>?
        var lastEvent = NIODeadline.now()
        var isKeepaliveDue = false
    }

    private let process: ManagedProcess
    private let framing: EventFraming
    private let keepalive: TimeAmount
    private let state: NIOLoopBoundBox<State>

    /// Subscribes to everything that `process` writes from now on. Called on the event loop.
    init(of process: ManagedProcess, framing: EventFraming, keepalive: TimeAmount) {
        self.process = process
        self.framing = framing
        self.keepalive = keepalive
        let state = NIOLoopBoundBox(State(), eventLoop: process.eventLoop)
        self.state = state
        state.value.id = process.addReader { state.value.wake?() }
    }

    func whenReady(_ wake: @escaping @Sendable () -> Void) {
        self.state.value.wake = wake
        self.scheduleKeepalive(in: self.keepalive)
    }

    func detach() {
        self.state.value.keepaliveTimer?.cancel()
        self.state.value.keepaliveTimer = nil
        self.state.value.wake = nil
        if let id = self.state.value.id { self.process.removeReader(id) }
        self.state.value.id = nil
    }

    func next(into buffer: inout ByteBuffer) -> MessageSourceStep {
        switch self.state.value.phase {
        case .start:
            self.state.value.phase = .running
            let processID = UInt32(bitPattern: self.process.processID)
            self.framing.event(.with { $0.start.pid = processID }, into: &buffer)
            return .message(payload: nil)
        case .running:
            return self.nextOfRunning(into: &buffer)
        case .ended:
            return .finished
        }
    }

    private func nextOfRunning(into buffer: inout ByteBuffer) -> MessageSourceStep {
        guard let id = self.state.value.id else { return .finished }
        switch self.process.next(for: id) {
        case .chunk(let chunk):
            self.state.value.lastEvent = .now()
            return .message(payload: self.framing.data(chunk, into: &buffer))
        case .waiting:
            guard self.state.value.isKeepaliveDue else { return .waiting }
            self.state.value.isKeepaliveDue = false
            self.framing.event(.with { $0.keepalive = .init() }, into: &buffer)
            return .message(payload: nil)
        case .ended(let end):
            self.state.value.phase = .ended
            self.framing.event(.with { $0.end = end }, into: &buffer)
            return .message(payload: nil)
        case .lost(let offset):
            return .failed(
                ConnectError(
                    .resourceExhausted,
                    "output was read too slowly and is lost up to offset \(offset): read on from there"))
        }
    }

    private func scheduleKeepalive(in wait: TimeAmount) {
        let timer = self.process.eventLoop.assumeIsolated().scheduleTask(in: wait) {
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
        self.state.value.keepaliveTimer = timer
    }
}
