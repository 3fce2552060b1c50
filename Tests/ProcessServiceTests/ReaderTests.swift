import EnvdAPI
import EnvdTestSupport
import NIOCore
import ProcessService
import SwiftProtobuf
import Testing

/// Clients that read the output of one process at their own pace.
@Suite struct ReaderTests {
    @Test func `several readers get everything`() async throws {
        try await withProcesses { client in
            let first = try await client.start("read line; seq 1 200000; seq 1 1000 >&2; exit 2")
            let pid = try await first.started()
            let others = [
                try await client.connect(pid), try await client.connect(pid), try await client.connect(pid),
            ]
            for other in others { #expect(try await other.started() == pid) }
            try await client.send("\n", to: pid)
            let expected = try await first.outcome()
            #expect(expected.stdout.readableBytes == 1_288_895)
            #expect(expected.stderr.readableBytes == 3893)
            for other in others {
                let outcome = try await other.outcome()
                #expect(outcome.stdout == expected.stdout)
                #expect(outcome.stderr == expected.stderr)
                #expect(outcome.end == expected.end)
            }
        }
    }

    @Test func `a slow reader loses nothing, and the process waits for it`() async throws {
        try await withProcesses { client in
            // More than the window and the kernel hold.
            let size = 40 << 20
            let stream = try await client.start(
                "head -c \(size) /dev/zero; echo done >&2", receiveBuffer: 64 << 10)
            let pid = try await stream.started()
            #expect(try await client.list().map(\.pid) == [pid])
            let outcome = try await stream.outcome()
            #expect(outcome.stdout.readableBytes == size)
            #expect(outcome.err == "done\n")
            #expect(outcome.end?.exitCode == 0)
        }
    }

    @Test func `a reader that is stuck does not stop the others, and is told what it missed`() async throws {
        try await withProcesses({ $0.stallTime = .milliseconds(100) }) { client in
            let size = 64 << 20
            let healthy = try await client.start("read line; head -c \(size) /dev/zero")
            let pid = try await healthy.started()
            let stuck = try await client.connect(pid, receiveBuffer: 64 << 10)
            #expect(try await stuck.started() == pid)
            try await client.send("\n", to: pid)
            var received = 0
            var end: Process_ProcessEvent.EndEvent?
            while let event = try await healthy.next() {
                received += event.data.stdout.count
                if case .end(let it) = event.event { end = it }
            }
            #expect(healthy.failure == nil)
            #expect(received == size)
            #expect(end?.exitCode == 0)
            // It gets what was under way, and then not silence but an error.
            let outcome = try await stuck.outcome()
            #expect(outcome.end == nil)
            #expect(outcome.stdout.readableBytes < size)
            #expect(outcome.failure?.code == "resource_exhausted")
            #expect(outcome.failure?.message.contains("lost up to offset") == true)
        }
    }

    @Test func `a reader that leaves stops nobody`() async throws {
        try await withProcesses { client in
            let size = 40 << 20
            let leaver = try await client.start(
                "read line; head -c \(size) /dev/zero", receiveBuffer: 64 << 10)
            let pid = try await leaver.started()
            let healthy = try await client.connect(pid)
            #expect(try await healthy.started() == pid)
            try await client.send("\n", to: pid)
            _ = try await leaver.output()
            try await leaver.client.reset()
            let outcome = try await healthy.outcome()
            #expect(outcome.stdout.readableBytes == size)
            #expect(outcome.end?.exitCode == 0)
        }
    }

    @Test func `a process that nobody reads does not wait`() async throws {
        try await withProcesses { client in
            let stream = try await client.start(
                "read line; head -c 20000000 /dev/zero; echo done >&2; read line; exit 8")
            let pid = try await stream.started()
            try await stream.client.reset()
            // Both lines are taken: the output in between was, too.
            try await client.send("\n", to: pid)
            let late = try await client.connect(pid)
            #expect(try await late.started() == pid)
            try await client.send("\n", to: pid)
            let outcome = try await late.outcome()
            #expect(outcome.end?.exitCode == 8)
        }
    }

    @Test func `a reader gets what comes from now on`() async throws {
        try await withProcesses { client in
            let first = try await client.start("echo before; read line; echo after")
            let pid = try await first.started()
            #expect(try await first.output() == "before\n")
            let second = try await client.connect(pid)
            #expect(try await second.started() == pid)
            try await client.send("\n", to: pid)
            #expect(try await first.outcome().out == "after\n")
            #expect(try await second.outcome().out == "after\n")
        }
    }

    @Test func `a process has no more readers than the limit`() async throws {
        try await withProcesses({ $0.readersPerProcess = 2 }) { client in
            let first = try await client.start("read line")
            let pid = try await first.started()
            #expect(try await client.connect(pid).started() == pid)
            let third = try await client.connect(pid).outcome()
            #expect(third.failure?.code == "resource_exhausted")
        }
    }

    @Test func `an output of ended and started commands in a row is never mixed`() async throws {
        try await withProcesses { client in
            try await withThrowingTaskGroup { group in
                for number in 0..<40 {
                    group.addTask {
                        let outcome = try await client.run(
                            "echo \(number); echo e\(number) >&2; exit \(number)")
                        #expect(outcome.out == "\(number)\n")
                        #expect(outcome.err == "e\(number)\n")
                        #expect(outcome.end?.exitCode == Int32(number))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.list().isEmpty)
        }
    }
}
