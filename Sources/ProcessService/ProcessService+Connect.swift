import Connect
import EnvdAPI
import NIOCore
import SandboxContext

extension ProcessService {
    /// `process.Process/Connect`: streams what a process writes, from now on or from where `replay` says, until it
    /// ends.
    ///
    /// Of a process that has ended lately, the end is told again, and with `replay` what is kept of its output.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such process.
    @Sendable func connect(
        _ request: Process_ConnectRequest, _ context: RPCContext
    ) async throws -> any MessageSource {
        let framing = try self.framing(context)
        let selection = try ProcessSelection(request.process)
        guard let process = self.table.value.find(selection) else { throw selection.notFound }
        return try OutputReader(
            of: process, from: request.hasReplay ? try Self.beginning(request.replay) : .now,
            framing: framing,
            isExtended: request.hasReplay, keepalive: KeepaliveInterval.of(context.requestHeaders))
    }

    private static func beginning(_ replay: Process_Replay) throws(ConnectError) -> ManagedProcess.Beginning {
        switch replay.from {
        case .offset(let offset):
            guard let offset = Int64(exactly: offset) else {
                throw ConnectError(.outOfRange, "offset \(offset) is behind the end of any output")
            }
            return .offset(offset)
        case .lastBytes(let count): return .last(Int64(clamping: count))
        case .all(true): return .kept
        case .all(false), .none: return .now
        }
    }
}
