import Connect
import EnvdAPI
internal import Glibc
import LinuxSystem
import NIOCore
import SystemPackage

extension ProcessService {
    /// Time for which the answer to SIGKILL waits for the process to be gone: longer only if it hangs in the
    /// kernel.
    private static let killWait = TimeAmount.seconds(1)

    /// `process.Process/SendSignal`: signals a process, or with `descendants` also all that it started.
    ///
    /// The answer to SIGKILL comes when the process has been reaped, so that what the client does next does not
    /// find it.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `unimplemented` for what is not a signal.
    @Sendable func sendSignal(
        _ request: Process_SendSignalRequest, _: RPCContext
    ) async throws -> Process_SendSignalResponse {
        let process = try self.process(request.process)
        let signal: Int32
        switch request.signal {
        case .sigterm: signal = SIGTERM
        case .sigkill: signal = SIGKILL
        case .unspecified: throw ConnectError(.unimplemented, "invalid signal: SIGNAL_UNSPECIFIED")
        case .UNRECOGNIZED(let number):
            // The kernel's own numbers; those of real-time signals go up to 64 (signal(7)).
            guard (1...64).contains(number) else {
                throw ConnectError(.unimplemented, "invalid signal: \(number)")
            }
            signal = Int32(number)
        }
        do {
            try process.send(signal, to: request.descendants ? .tree : .leader)
        } catch {
            let reason =
                error == .noSuchProcess ? "os: process already finished" : error.lowercasedDescription
            throw ConnectError(.internalError, "error sending signal: \(reason)", cause: error)
        }
        if signal == SIGKILL { await process.exited(within: Self.killWait) }
        return Process_SendSignalResponse()
    }
}
