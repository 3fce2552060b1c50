import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `process.Process` reports.
    static let processEvents: [any Message] = [
        Self.started,
        Self.stdout,
        Process_ProcessEvent.DataEvent.with { $0.stderr = Data([0, 1, 2]) },
        Process_ProcessEvent.DataEvent.with { $0.pty = Data("\u{1B}[0m".utf8) },
        Self.gap,
        Self.ended,
        Self.report,
        Process_ProcessEvent.KeepAlive(),
        Process_ProcessEvent.with { $0.start = Self.started },
        Process_ProcessEvent.with { $0.data = Self.stdout },
        Process_ProcessEvent.with { $0.end = Self.ended },
        Process_ProcessEvent.with { $0.keepalive = .init() },
        Process_ProcessEvent.with { $0.gap = Self.gap },
        Process_StartResponse.with { $0.event.data = Self.stdout },
        Process_ConnectResponse.with { $0.event.end = Self.ended },
    ]

    private static let started = Process_ProcessEvent.StartEvent.with { $0.pid = 7 }

    private static let stdout = Process_ProcessEvent.DataEvent.with {
        $0.stdout = Data([0xFF, 0xFE, 0xFB, 0x00])
        $0.offset = 1 << 32
    }

    private static let gap = Process_ProcessEvent.GapEvent.with {
        $0.from = 10
        $0.to = .max
    }

    static let ended = Process_ProcessEvent.EndEvent.with {
        $0.exitCode = -1
        $0.exited = true
        $0.status = "signal: killed"
        $0.error = "it was killed"
        $0.report = Self.report
    }

    private static let report = Process_ProcessEvent.ExitReport.with {
        $0.cause = .oom
        $0.signal = -9
        $0.coreDumped = true
        $0.wallMicroseconds = 1
        $0.userMicroseconds = 128
        $0.systemMicroseconds = 16_384
        $0.peakMemoryBytes = 1 << 33
        $0.stdoutBytes = 8
        $0.stderrBytes = 9
        $0.ptyBytes = 10
        $0.droppedBytes = 11
    }
}
