import Connect
import EnvdAPI
import LinuxSystem
import SystemPackage

extension ProcessService {
    /// `process.Process/Update`: changes the size of a process's terminal.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `internalError` if it has no terminal.
    @Sendable func update(_ request: Process_UpdateRequest, _: RPCContext) async throws
        -> Process_UpdateResponse
    {
        let process = try self.process(request.process)
        guard request.hasPty else { return Process_UpdateResponse() }
        guard process.hasTerminal else {
            throw ConnectError(.internalError, "error resizing tty: tty not assigned to process")
        }
        do {
            try process.resize(TerminalSize(request.pty.size))
        } catch {
            throw ConnectError(
                .internalError, "error resizing tty: \(error.lowercasedDescription)", cause: error)
        }
        return Process_UpdateResponse()
    }
}
