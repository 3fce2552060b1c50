import Connect
import EnvdAPI
import EnvdTestSupport
import FoundationEssentials
import NIOCore
import SwiftProtobuf

/// Calls `process.Process` over sockets, in the binary codec. Each call has a connection of its own.
struct ProcessClient: Sendable {
    let server: TestServer

    func call<Request, Response>(
        _ procedure: UnaryProcedure<Request, Response>, _ fields: [String] = [],
        _ populate: (inout Request) -> Void
    ) async throws -> Response {
        var request = Request()
        populate(&request)
        let client = try await self.server.client()
        let reply = try await client.request(
            "POST", procedure.path, ["Content-Type: application/proto"] + fields,
            body: try request.serializedBytes() as [UInt8])
        await client.close()
        guard reply.status == 200 else {
            throw CallFailure(try Google_Protobuf_Struct(jsonUTF8Bytes: Array(reply.body.readableBytesView)))
        }
        return try Response(serializedBytes: Array(reply.body.readableBytesView))
    }

    /// Begins a call with one request and many responses.
    func begin<Request, Response>(
        _ procedure: ServerStreamProcedure<Request, Response>, _ fields: [String] = [],
        receiveBuffer: Int? = nil, _ populate: (inout Request) -> Void
    ) async throws -> EventStream {
        var request = Request()
        populate(&request)
        let client = try await self.server.client(receiveBuffer: receiveBuffer)
        try await client.sendRequest(
            "POST", procedure.path, ["Content-Type: application/connect+proto"] + fields,
            body: envelope(try request.serializedBytes() as [UInt8]))
        return EventStream(client)
    }

    // MARK: Process

    /// Begins a shell script.
    func start(
        _ script: String, _ fields: [String] = [], tag: String? = nil, receiveBuffer: Int? = nil,
        _ populate: (inout Process_StartRequest) -> Void = { _ in }
    ) async throws -> EventStream {
        try await self.begin(ProcessAPI.start, fields, receiveBuffer: receiveBuffer) {
            $0.process.cmd = "/bin/sh"
            $0.process.args = ["-c", script]
            if let tag { $0.tag = tag }
            populate(&$0)
        }
    }

    /// Runs a shell script to its end.
    func run(
        _ script: String, _ fields: [String] = [], _ populate: (inout Process_StartRequest) -> Void = { _ in }
    ) async throws -> Outcome {
        try await self.start(script, fields, populate).outcome()
    }

    func connect(_ pid: UInt32, _ fields: [String] = [], receiveBuffer: Int? = nil) async throws
        -> EventStream
    {
        try await self.begin(ProcessAPI.connect, fields, receiveBuffer: receiveBuffer) {
            $0.process.pid = pid
        }
    }

    func list() async throws -> [Process_ProcessInfo] {
        try await self.call(ProcessAPI.list) { _ in }.processes
    }

    func signal(_ pid: UInt32, _ signal: Process_Signal) async throws {
        _ = try await self.call(ProcessAPI.sendSignal) {
            $0.process.pid = pid
            $0.signal = signal
        }
    }

    func send(_ text: String, to pid: UInt32) async throws {
        _ = try await self.call(ProcessAPI.sendInput) {
            $0.process.pid = pid
            $0.input.stdin = .init(text.utf8)
        }
    }

    func closeInput(of pid: UInt32) async throws {
        _ = try await self.call(ProcessAPI.closeStdin) { $0.process.pid = pid }
    }
}
