import EnvdAPI
import NIOCore
import SwiftProtobuf

@testable import Connect

/// Input: a byte for the message's type, and JSON.
enum JSONFuzzing {
    /// The types of requests.
    static let types: [any Message.Type] = [
        Process_StartRequest.self, Process_ConnectRequest.self, Process_SendInputRequest.self,
        Process_StreamInputRequest.self, Process_UpdateRequest.self, Process_SendSignalRequest.self,
        Process_CloseStdinRequest.self, Process_ListRequest.self, Envd_V1_WaitRequest.self,
        Envd_V1_FreezeRequest.self, Envd_V1_ThawRequest.self, Filesystem_StatRequest.self,
        Filesystem_MakeDirRequest.self, Filesystem_MoveRequest.self, Filesystem_ListDirRequest.self,
        Filesystem_RemoveRequest.self, Filesystem_WatchDirRequest.self, Filesystem_CreateWatcherRequest.self,
        Filesystem_GetWatcherEventsRequest.self, Filesystem_RemoveWatcherRequest.self,
        Filesystem_EntryInfo.self,
    ]

    static func run(_ input: FuzzInput) throws {
        var input = input
        let type = input.choice(of: Self.types)
        try Self.check(type, input.buffer)
    }

    private static func check<M: Message>(_ type: M.Type, _ json: ByteBuffer) throws {
        let message: M
        do throws(ConnectError) {
            message = try JSONCodec().decodeRequest(type, from: json)
        } catch {
            try expect(error.code == .invalidArgument, "malformed JSON is the client's error")
            try Self.checkJSON(of: error)
            return
        }
        for codec: any Codec in [JSONCodec(), ProtoCodec()] {
            let encoded = try codec.encodeResponse(message)
            let again = try codec.decodeRequest(type, from: encoded)
            try expect(
                again.isEqualTo(message: message), "\(codec.name): \(message) encodes and decodes to \(again)"
            )
        }
    }

    /// The error's own JSON must be well-formed, whatever it quotes.
    private static func checkJSON(of error: ConnectError) throws {
        let parsed = try JSONCodec().decodeRequest(
            Google_Protobuf_Struct.self, from: ByteBuffer(string: ErrorJSON.error(error)))
        try expect(
            parsed.fields["message"]?.stringValue == error.message, "an error's message survives as JSON")
    }
}
