import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import LinuxSystem
import NIOCore
import SwiftProtobuf
import Testing

@testable import ProcessService

/// What is framed by hand, against SwiftProtobuf.
@Suite struct EventFramingTests {
    private static let streams = OutputLog.Stream.allCases
    private static let lengths = [
        0, 1, 2, 3, 4, 5, 126, 127, 128, 129, 16_380, 16_383, 16_384, 16_385, 1 << 20,
    ]
    private static let offsets: [Int64] = [0, 1, 127, 128, 16_384, 1 << 32, .max]

    private func message(_ chunk: OutputLog.Chunk, withOffset: Bool) -> Process_StartResponse {
        .with { response in
            let bytes = Array(chunk.bytes.readableBytesView)
            switch chunk.stream {
            case .stdout: response.event.data.stdout = .init(bytes)
            case .stderr: response.event.data.stderr = .init(bytes)
            case .terminal: response.event.data.pty = .init(bytes)
            }
            if withOffset { response.event.data.offset = UInt64(chunk.offset) }
        }
    }

    private func frame(_ chunk: OutputLog.Chunk, withOffset: Bool, codec: String) throws -> ByteBuffer {
        let framing = try #require(EventFraming(codec: codec))
        var buffer = ByteBuffer(string: "12345")
        if let payload = framing.data(chunk, withOffset: withOffset, into: &buffer) {
            buffer.writeImmutableBuffer(payload)
        }
        #expect(buffer.readString(length: 5) == "12345")
        return buffer
    }

    @Test(arguments: streams, lengths)
    func `data is framed as SwiftProtobuf does`(_ stream: OutputLog.Stream, _ length: Int) throws {
        let bytes = ByteBuffer(bytes: Pattern.bytes(length))
        let chunk = OutputLog.Chunk(stream: stream, offset: 0, bytes: bytes)
        let message = self.message(chunk, withOffset: false)
        let proto = try self.frame(chunk, withOffset: false, codec: "proto")
        #expect(Array(proto.readableBytesView) == (try message.serializedBytes() as [UInt8]))
        let json = try self.frame(chunk, withOffset: false, codec: "json")
        #expect(Array(json.readableBytesView) == (try message.jsonUTF8Bytes() as [UInt8]))
    }

    @Test(arguments: streams, offsets)
    func `data with its offset means what SwiftProtobuf means`(_ stream: OutputLog.Stream, _ offset: Int64)
        throws
    {
        for length in [0, 1, 127, 128, 20_000] {
            let bytes = ByteBuffer(bytes: Pattern.bytes(length))
            let chunk = OutputLog.Chunk(stream: stream, offset: offset, bytes: bytes)
            let message = self.message(chunk, withOffset: true)
            // The order of the fields is another, which no reader may care about.
            let proto = try self.frame(chunk, withOffset: true, codec: "proto")
            #expect(try Process_StartResponse(serializedBytes: Array(proto.readableBytesView)) == message)
            #expect(proto.readableBytes == (try message.serializedBytes() as [UInt8]).count)
            let json = try self.frame(chunk, withOffset: true, codec: "json")
            #expect(try Process_StartResponse(jsonUTF8Bytes: Array(json.readableBytesView)) == message)
        }
    }

    @Test func `other events are SwiftProtobuf's own`() throws {
        let events: [Process_ProcessEvent] = [
            .with { $0.start.pid = 4_000_000_000 }, .with { $0.keepalive = .init() },
            .with {
                $0.end.exitCode = -1
                $0.end.status = "signal: killed"
                $0.end.error = "signal: killed"
            }, .with { $0.end.exited = true },
        ]
        for event in events {
            let message = Process_ConnectResponse.with { $0.event = event }
            for codec in ["proto", "json"] {
                var buffer = ByteBuffer()
                try #require(EventFraming(codec: codec)).event(event, into: &buffer)
                let expected: [UInt8] =
                    codec == "proto" ? try message.serializedBytes() : try message.jsonUTF8Bytes()
                #expect(Array(buffer.readableBytesView) == expected)
            }
        }
    }

    @Test func `the JSON of events is that of the protocol`() throws {
        let framing = try #require(EventFraming(codec: "json"))
        func json(_ event: Process_ProcessEvent) -> String {
            var buffer = ByteBuffer()
            framing.event(event, into: &buffer)
            return String(buffer: buffer)
        }
        #expect(json(.with { $0.start.pid = 42 }) == #"{"event":{"start":{"pid":42}}}"#)
        #expect(json(.with { $0.keepalive = .init() }) == #"{"event":{"keepalive":{}}}"#)
        #expect(
            json(.with { $0.end = ExitDescription.event(.exited(0)) })
                == #"{"event":{"end":{"exited":true,"status":"exit status 0"}}}"#)
        #expect(
            json(.with { $0.end = ExitDescription.event(.exited(1)) })
                == #"{"event":{"end":{"exitCode":1,"exited":true,"status":"exit status 1","error":"exit status 1"}}}"#
        )
        #expect(
            json(.with { $0.end = ExitDescription.event(.signaled(9, coreDumped: false)) })
                == #"{"event":{"end":{"exitCode":-1,"status":"signal: killed","error":"signal: killed"}}}"#)
        var buffer = ByteBuffer()
        let chunk = OutputLog.Chunk(stream: .stdout, offset: 0, bytes: ByteBuffer(string: "hi\n"))
        #expect(framing.data(chunk, into: &buffer) == nil)
        #expect(String(buffer: buffer) == #"{"event":{"data":{"stdout":"aGkK"}}}"#)
    }

    @Test(arguments: ["", "yaml", "JSON", "text"])
    func `other codecs have no framing`(_ codec: String) {
        #expect(EventFraming(codec: codec) == nil)
    }
}
