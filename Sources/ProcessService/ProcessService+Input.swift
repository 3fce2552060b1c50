import Connect
import EnvdAPI
import LinuxIO
import LinuxSystem
import NIOCore
import SystemPackage

extension ProcessService {
    /// `process.Process/SendInput`: writes to a process's standard input or terminal.
    ///
    /// Answers when the process's pipe has taken all of it. A call that ends before leaves out what the pipe has
    /// not taken yet.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `internalError` if it takes no input.
    @Sendable func sendInput(
        _ request: Process_SendInputRequest, _: RPCContext
    ) async throws -> Process_SendInputResponse {
        try await self.write(request.input, to: try self.process(request.process))
        return Process_SendInputResponse()
    }

    /// `process.Process/StreamInput`: writes what comes, as it comes, to the process named first.
    ///
    /// Standard input stays open at the end of the stream.
    @Sendable func streamInput(
        _ requests: RequestStream<Process_StreamInputRequest>, _: RPCContext
    ) async throws -> Process_StreamInputResponse {
        var process: ManagedProcess?
        while let request = try await requests.next() {
            switch request.event {
            case .start(let start):
                process = try self.process(start.process)
            case .data(let data):
                guard let process else {
                    throw ConnectError(.invalidArgument, "data before start: no process has been named")
                }
                try await self.write(data.input, to: process)
            case .keepalive:
                continue
            case .none:
                throw ConnectError(.unimplemented, "invalid event type <nil>")
            }
        }
        return Process_StreamInputResponse()
    }

    /// `process.Process/CloseStdin`: ends a process's standard input after what was sent before.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `unknown` if it has a terminal.
    @Sendable func closeStdin(
        _ request: Process_CloseStdinRequest, _: RPCContext
    ) async throws -> Process_CloseStdinResponse {
        let process = try self.process(request.process)
        guard !process.hasTerminal else {
            throw ConnectError(
                .unknown,
                "error closing stdin: cannot close stdin for PTY process — send Ctrl+D (0x04) instead")
        }
        process.input?.close()
        return Process_CloseStdinResponse()
    }

    private func write(_ input: Process_ProcessInput, to process: ManagedProcess) async throws(ConnectError) {
        switch input.input {
        case .stdin(let bytes):
            guard !process.hasTerminal else {
                throw Self.inputError(
                    "stdin: tty assigned to process — input should be written to the pty, not the stdin")
            }
            guard let writer = process.input, !writer.isClosed else {
                throw Self.inputError("stdin: stdin not enabled or closed")
            }
            try self.checkQueue(of: writer, adding: bytes.count)
            do {
                try await writer.write(ByteBuffer(bytes: bytes))
            } catch {
                throw Self.inputError("stdin", of: process, error)
            }
        case .pty(let bytes):
            guard process.hasTerminal, let writer = process.input else {
                throw Self.inputError(
                    "tty: tty not assigned to process — input should be written to the stdin, not the tty")
            }
            try self.checkQueue(of: writer, adding: bytes.count)
            do {
                try await writer.write(ByteBuffer(bytes: bytes))
            } catch {
                throw Self.inputError("tty", of: process, error)
            }
        case .none:
            throw ConnectError(.unimplemented, "invalid input type <nil>")
        }
    }

    private func checkQueue(of writer: DescriptorWriter, adding count: Int) throws(ConnectError) {
        let limit = self.configuration.output.queuedInputBytes
        guard writer.queuedBytes + count > limit else { return }
        throw ConnectError(
            .resourceExhausted, "more than \(limit) bytes of input wait for the process to read them")
    }

    private static func inputError(_ reason: String) -> ConnectError {
        ConnectError(.internalError, "error writing to \(reason)")
    }

    private static func inputError(_ target: String, of process: ManagedProcess, _ errno: Errno)
        -> ConnectError
    {
        guard errno != .canceled else { return ConnectError(.canceled, "context canceled", cause: errno) }
        let reason = errno == .badFileDescriptor ? "file already closed" : errno.lowercasedDescription
        return ConnectError(
            .internalError,
            "error writing to \(target): error writing to \(target) of process '\(process.processID)': "
                + "write |1: \(reason)",
            cause: errno)
    }
}
