import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf
import Synchronization

/// A source of messages of one size that counts how many were pulled, and that can be told to wait.
final class CountingSource: MessageSource {
    private struct State {
        var pulled = 0
        var ready: Int
        var isDetached = false
        var failure: ConnectError?
        var wake: (@Sendable () -> Void)?
    }

    private let messages: Int
    private let payload: ByteBuffer
    private let copies: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - copies: whether payloads are written into the message instead of being returned.
    ///   - ready: how many can be pulled at first; nil for all.
    init(messages: Int, bytes: Int, copies: Bool = false, ready: Int? = nil) {
        self.messages = messages
        self.payload = ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)
        self.copies = copies
        self.state = Mutex(State(ready: ready ?? messages))
    }

    var pulled: Int { self.state.withLock { $0.pulled } }
    var isDetached: Bool { self.state.withLock { $0.isDetached } }

    /// Lets `count` more messages be pulled.
    func provide(_ count: Int) {
        let wake = self.state.withLock { state in
            state.ready += count
            return state.wake
        }
        wake?()
    }

    func fail(_ error: ConnectError) {
        let wake = self.state.withLock { state in
            state.failure = error
            return state.wake
        }
        wake?()
    }

    func next(into buffer: inout ByteBuffer) -> MessageSourceStep {
        let step = self.state.withLock { state -> MessageSourceStep? in
            if state.pulled == self.messages { return .finished }
            if state.pulled == state.ready { return state.failure.map { .failed($0) } ?? .waiting }
            state.pulled += 1
            return nil
        }
        if let step { return step }
        buffer.writeString("{\"cmd\":\"")
        if self.copies {
            buffer.writeImmutableBuffer(self.payload)
            buffer.writeString("\"}")
            return .message(payload: nil)
        }
        var payload = self.payload
        payload.writeString("\"}")
        return .message(payload: payload)
    }

    func whenReady(_ wake: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.wake = wake }
    }

    func detach() {
        self.state.withLock { $0.isDetached = true }
    }
}
