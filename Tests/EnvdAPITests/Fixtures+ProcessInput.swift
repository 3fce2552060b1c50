import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `process.Process` takes for a process that runs.
    static let processInput: [any Message] = [
        Self.stdin,
        Process_ProcessInput.with { $0.pty = Data("\u{3}".utf8) },
        Process_SendInputRequest.with {
            $0.process = Self.selector
            $0.input = Self.stdin
        },
        Process_SendInputResponse(),
        Process_StreamInputRequest.StartEvent.with { $0.process = Self.selector },
        Process_StreamInputRequest.DataEvent.with { $0.input = Self.stdin },
        Process_StreamInputRequest.KeepAlive(),
        Process_StreamInputRequest.with { $0.start.process = Self.selector },
        Process_StreamInputRequest.with { $0.data.input = Self.stdin },
        Process_StreamInputRequest.with { $0.keepalive = .init() },
        Process_StreamInputResponse(),
        Process_SendSignalRequest.with {
            $0.process = Self.selector
            $0.signal = .sigkill
            $0.descendants = true
        },
        // A number that has no name is kept.
        Process_SendSignalRequest.with { $0.signal = .UNRECOGNIZED(99) },
        Process_SendSignalResponse(),
        Process_CloseStdinRequest.with { $0.process = Self.selector },
        Process_CloseStdinResponse(),
    ]

    private static let stdin = Process_ProcessInput.with { $0.stdin = Data("input\n".utf8) }
}
