import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `process.Process` has for starting, finding and changing processes.
    static let process: [any Message] =
        [
            Self.size,
            Self.pty,
            Self.config,
            Self.info,
            Self.limits,
            Self.timeout,
            Self.retention,
            Process_ListRequest(),
            Process_ListResponse.with {
                $0.processes = [Self.info, Process_ProcessInfo.with { $0.pid = 1 }]
            },
            Process_StartRequest.with {
                $0.process = Self.config
                $0.pty = Self.pty
                $0.tag = "tag"
                $0.stdin = true
                $0.extended = true
                $0.executionID = "0192-abc"
                $0.limits = Self.limits
                $0.timeout = Self.timeout
                $0.retention = Self.retention
            },
            // Set, though to the default.
            Process_StartRequest.with { $0.stdin = false },
            Process_UpdateRequest.with {
                $0.process = Self.selector
                $0.pty = Self.pty
            },
            Process_UpdateResponse(),
            Process_ConnectRequest.with {
                $0.process = Self.selector
                $0.replay.offset = .max
            },
        ] + Self.replays + Self.selectors

    private static let replays: [any Message] = [
        Process_Replay.with { $0.offset = 1 << 53 + 1 },
        Process_Replay.with { $0.lastBytes = 65_536 },
        Process_Replay.with { $0.all = true },
    ]

    private static let selectors: [any Message] = [
        Self.selector,
        Process_ProcessSelector.with { $0.tag = "tag" },
        Process_ProcessSelector.with { $0.executionID = "0192-abc" },
    ]

    static let selector = Process_ProcessSelector.with { $0.pid = .max }

    private static let size = Process_PTY.Size.with {
        $0.cols = 80
        $0.rows = 24
    }

    private static let pty = Process_PTY.with { $0.size = Self.size }

    private static let config = Process_ProcessConfig.with {
        $0.cmd = "/bin/sh"
        $0.args = ["-c", "echo \"ä € 𝄞\"\n\t\u{1}", ""]
        $0.envs = ["NAME": "value = \\"]
        $0.cwd = "/tmp/</x>"
    }

    private static let info = Process_ProcessInfo.with {
        $0.config = Self.config
        $0.pid = 4_194_304
        $0.tag = ""
    }

    private static let limits = Process_ResourceLimits.with {
        $0.memoryBytes = 1 << 40
        $0.pids = 100
        $0.cpuMillis = 1500
    }

    private static let timeout = Process_Timeout.with {
        $0.milliseconds = 60_000
        $0.scope = .tree
        $0.graceMilliseconds = 5000
    }

    private static let retention = Process_Retention.with {
        $0.outputBytes = 0
        $0.exitSeconds = 3600
    }
}
