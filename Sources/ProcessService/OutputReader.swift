import Connect
import EnvdAPI
import NIOCore
import SandboxContext
import SwiftProtobuf

/// One client's view of a process as a stream of events: `start`, then `data` and `keepalive`, then `end`.
final class OutputReader: MessageSource {
    private enum Phase {
        case start, gap, running, ended
    }

    private struct State {
        var phase = Phase.start
        var id: Int?
        var wake: (@Sendable () -> Void)?
        var deadlineTimer: Scheduled<Void>?
        var isTimeOver = false
    }

    private let process: ManagedProcess
    private let framing: EventFraming
    private let keepalive: NIOLoopBound<KeepaliveTimer>
    /// The client understands offsets, gaps and reports.
    private let isExtended: Bool
    /// What was asked for and is no longer kept, up to where the reader begins.
    private let gap: Range<Int64>
    private let state: NIOLoopBoundBox<State>

    /// Subscribes to what `process` writes. Called on the event loop.
    ///
    /// - Parameter deadline: when the stream ends with `deadline_exceeded`.
    /// - Throws: `ConnectError` if there cannot be such a reader.
    init(
        of process: ManagedProcess, from beginning: ManagedProcess.Beginning = .now, framing: EventFraming,
        isExtended: Bool = false, keepalive: TimeAmount, until deadline: NIODeadline? = nil
    ) throws(ConnectError) {
        self.process = process
        self.framing = framing
        self.isExtended = isExtended
        let state = NIOLoopBoundBox(State(), eventLoop: process.eventLoop)
        self.state = state
        let timer = KeepaliveTimer(keepalive, on: process.eventLoop) { state.value.wake?() }
        self.keepalive = NIOLoopBound(timer, eventLoop: process.eventLoop)
        let reader = try process.addReader(beginning) { state.value.wake?() }
        state.value.id = reader.id
        self.gap = reader.asked..<reader.begins
        state.value.deadlineTimer = deadline.map { deadline in
            process.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
                state.value.isTimeOver = true
                // Even if the client takes nothing, so that the stream cannot end: nobody waits for it any more.
                process.removeReader(reader.id)
                state.value.wake?()
            }
        }
    }

    func whenReady(_ wake: @escaping @Sendable () -> Void) {
        self.state.value.wake = wake
    }

    func detach() {
        self.keepalive.value.stop()
        self.state.value.deadlineTimer?.cancel()
        self.state.value.deadlineTimer = nil
        self.state.value.wake = nil
        if let id = self.state.value.id { self.process.removeReader(id) }
        self.state.value.id = nil
    }

    func next(into buffer: inout ByteBuffer) -> MessageSourceStep {
        switch self.state.value.phase {
        case .start:
            if !self.process.isEnded { self.keepalive.value.start() }
            self.state.value.phase = self.isExtended && !self.gap.isEmpty ? .gap : .running
            let processID = UInt32(bitPattern: self.process.processID)
            self.framing.event(.with { $0.start.pid = processID }, into: &buffer)
            return .message(payload: nil)
        case .gap:
            self.state.value.phase = .running
            let event = Process_ProcessEvent.with {
                $0.gap.from = UInt64(self.gap.lowerBound)
                $0.gap.to = UInt64(self.gap.upperBound)
            }
            self.framing.event(event, into: &buffer)
            return .message(payload: nil)
        case .running:
            return self.nextOfRunning(into: &buffer)
        case .ended:
            return .finished
        }
    }

    private func nextOfRunning(into buffer: inout ByteBuffer) -> MessageSourceStep {
        guard let id = self.state.value.id else { return .finished }
        guard !self.state.value.isTimeOver else {
            return .failed(ConnectError(.deadlineExceeded, "context deadline exceeded"))
        }
        switch self.process.next(for: id) {
        case .chunk(let chunk):
            self.keepalive.value.restart()
            return .message(
                payload: self.framing.data(chunk, withOffset: self.isExtended, into: &buffer))
        case .waiting:
            guard self.keepalive.value.takeDue() else { return .waiting }
            self.framing.event(.with { $0.keepalive = .init() }, into: &buffer)
            return .message(payload: nil)
        case .ended:
            self.state.value.phase = .ended
            let end = self.process.end(withReport: self.isExtended) ?? .init()
            self.framing.event(.with { $0.end = end }, into: &buffer)
            return .message(payload: nil)
        case .lost(let offset):
            return .failed(
                ConnectError(
                    .resourceExhausted,
                    "output was read too slowly and is lost up to offset \(offset): read on from there"))
        }
    }
}
