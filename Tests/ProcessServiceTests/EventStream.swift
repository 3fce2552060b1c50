import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import NIOCore
import SwiftProtobuf
import Testing

/// The events of one stream.
final class EventStream {
    let client: SocketClient
    private let reader: FrameReader
    private var hasHead = false
    /// The pid of `start`, once it has come.
    private(set) var pid: UInt32 = 0
    private(set) var failure: CallFailure?

    init(_ client: SocketClient) {
        self.client = client
        self.reader = FrameReader(client)
    }

    /// The next event, or nil at the end of the stream.
    func next() async throws -> Process_ProcessEvent? {
        if !self.hasHead {
            let head = try await self.client.head()
            #expect(head.status == 200)
            self.hasHead = true
        }
        guard let frame = try await self.reader.next() else {
            throw UnexpectedEnd(received: "no end of the stream")
        }
        guard !frame.isEnd else {
            let end = try Google_Protobuf_Struct(jsonUTF8Bytes: Array(frame.payload.readableBytesView))
            self.failure = (end.fields["error"]?.structValue).map(CallFailure.init)
            return nil
        }
        let response = try Process_StartResponse(serializedBytes: Array(frame.payload.readableBytesView))
        if case .start(let start) = response.event.event { self.pid = start.pid }
        return response.event
    }

    /// Reads up to `start`, and returns the pid.
    func started() async throws -> UInt32 {
        let event = try #require(try await self.next(), "\(String(describing: self.failure))")
        guard case .start(let start) = event.event else { throw CallFailure(code: "no start: \(event)") }
        return start.pid
    }

    /// The next output on any stream.
    func output() async throws -> String {
        while let event = try await self.next() {
            switch event.event {
            case .data(let data):
                switch data.output {
                case .stdout(let bytes), .stderr(let bytes), .pty(let bytes):
                    return String(decoding: bytes, as: UTF8.self)
                case .none: continue
                }
            case .start, .keepalive, .gap: continue
            case .end, .none: throw CallFailure(code: "no output: \(event)")
            }
        }
        throw self.failure ?? CallFailure(code: "no output")
    }

    /// Output up to and with `text`.
    func output(until text: String) async throws -> String {
        var output = ""
        var tail = ""
        repeat {
            let piece = try await self.output()
            output += piece
            tail = tail.suffix(text.count) + piece
        } while !tail.contains(text)
        return output
    }

    /// Everything to the end. The order is checked: `start` first, `end` last.
    func outcome() async throws -> Outcome {
        var outcome = Outcome(pid: self.pid)
        while let event = try await self.next() {
            #expect(outcome.end == nil, "an event after the end: \(event)")
            switch event.event {
            case .start(let start):
                #expect(outcome.pid == 0)
                outcome.pid = start.pid
            case .data(let data):
                #expect(outcome.pid != 0)
                switch data.output {
                case .stdout(let bytes): outcome.stdout.writeBytes(bytes)
                case .stderr(let bytes): outcome.stderr.writeBytes(bytes)
                case .pty(let bytes): outcome.pty.writeBytes(bytes)
                case .none: break
                }
            case .keepalive: outcome.keepalives += 1
            case .end(let end): outcome.end = end
            case .gap, .none: break
            }
        }
        outcome.failure = self.failure
        return outcome
    }
}
