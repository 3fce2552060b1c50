import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

extension ProcessService {
    /// `process.Process/Connect`: streams what a process writes from now on, until it ends.
    ///
    /// Of a process that has ended lately, the end is told again.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such process.
    @Sendable func connect(
        _ request: Process_ConnectRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Process_ConnectResponse>
    ) async throws {
        let framing = try self.framing(context)
        let selection = try ProcessSelection(request.process)
        if let process = self.table.value.process(selection) {
            let reader = OutputReader(
                of: process, framing: framing, keepalive: KeepaliveInterval.of(context.requestHeaders))
            try await responses.drain(reader)
        } else if let ended = self.table.value.ended(selection) {
            try await responses.send(.with { $0.event.start.pid = ended.processID })
            try await responses.send(.with { $0.event.end = ended.end })
        } else {
            throw selection.notFound
        }
    }
}
