import EnvdTestSupport
internal import Glibc
import LinuxIO
import LinuxSystem
import NIOPosix
import SystemPackage
import Testing

@testable import SandboxControl

@Suite struct AuthorityBundleTests {
    private static let system = "-- system --\n"

    /// A bundle in a directory of its own, and what it warned about.
    private func withBundle(
        _ body: @escaping @Sendable (AuthorityBundle, TemporaryDirectory, EventLog) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try directory.write(Self.system, to: "bundle.crt")
        try await self.withBundle(in: directory, body)
    }

    private func withBundle(
        in directory: TemporaryDirectory,
        _ body: @escaping @Sendable (AuthorityBundle, TemporaryDirectory, EventLog) async throws -> Void
    ) async throws {
        let pool = BlockingPool(threads: 2)
        defer { pool.shutDown() }
        let events = EventLog()
        let eventLoop = ClientLoop.any
        try await eventLoop.run {
            let bundle = AuthorityBundle(
                .init(bundle: directory.path("bundle.crt"), source: directory.path("local/ca/e2b.crt")),
                pool: pool, on: eventLoop, warn: { events.add($0) })
            try await body(bundle, directory, events)
        }
    }

    private func source(_ directory: TemporaryDirectory) -> String? {
        try? directory.read("local/ca/e2b.crt")
    }

    @Test func `the first certificate is added to the bundle and written to a file of its own`() async throws
    {
        try await self.withBundle { bundle, directory, events in
            try await bundle.install("CERT A\n\n\n")
            #expect(try directory.read("bundle.crt") == Self.system + "CERT A\n")
            try await until { self.source(directory) == "CERT A\n" }
            #expect(events.all.isEmpty)
        }
    }

    @Test func `the same certificate is added once, however often it is installed`() async throws {
        try await self.withBundle { bundle, directory, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for newlines in 0..<10 {
                    group.addTask {
                        try await bundle.install("CERT A" + String(repeating: "\n", count: newlines))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try directory.read("bundle.crt") == Self.system + "CERT A\n")
        }
    }

    @Test func `whoever gives up while another installs is told so, and the other goes on`() async throws {
        let directory = try TemporaryDirectory()
        // Nobody reads it, so that whoever opens it waits.
        try #require(mkfifo(directory.path("bundle.crt"), 0o600) == 0)
        try await self.withBundle(in: directory) { bundle, directory, _ in
            let first = ClientLoop.any.start { try await bundle.install("CERT A") }
            let second = ClientLoop.any.start { () -> Bool in
                do throws(AuthorityBundle.Failure) {
                    try await bundle.install("CERT B")
                } catch .cancelled {
                    return true
                } catch {}
                return false
            }
            second.cancel()
            #expect(try await second.value)
            let reader = try OwnedDescriptor.open(
                directory.path("bundle.crt"), flags: O_RDONLY | O_NONBLOCK)
            try await first.value
            var bytes = [UInt8](repeating: 0, count: 100)
            let count = try bytes.withUnsafeMutableBytes { try reader.read(into: $0) }
            #expect(String(decoding: bytes[..<count], as: UTF8.self) == "CERT A\n")
        }
    }

    @Test func `an empty certificate is none`() async throws {
        try await self.withBundle { bundle, directory, _ in
            try await bundle.install("")
            try await bundle.install("\n\n")
            #expect(try directory.read("bundle.crt") == Self.system)
        }
    }

    @Test func `a certificate takes the place of the one before, and nothing else is lost`() async throws {
        try await self.withBundle { bundle, directory, events in
            for name in ["A", "B", "C", "A"] { try await bundle.install("CERT \(name)") }
            try await until { (try? directory.read("bundle.crt")) == Self.system + "CERT A\n" }
            try await until { self.source(directory) == "CERT A\n" }
            #expect(directory.names == ["bundle.crt", "local"])
            #expect(events.all.isEmpty)
        }
    }

    @Test func `certificates that share a part with those before are all there`() async throws {
        try await self.withBundle { bundle, directory, events in
            for names in ["A", "A\nCERT B", "B", "B\nCERT A", "A"] {
                let text = "CERT \(names)\n"
                try await bundle.install(text)
                try await until { self.source(directory) == text }
                try await until { (try? directory.read("bundle.crt")) == Self.system + text }
            }
            #expect(events.all.isEmpty)
        }
    }

    @Test func `a restart knows no certificate, so that the old one stays`() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(Self.system, to: "bundle.crt")
        try await self.withBundle(in: directory) { bundle, _, _ in try await bundle.install("CERT A") }
        try await self.withBundle(in: directory) { bundle, directory, _ in
            try await bundle.install("CERT B")
            try await until { self.source(directory) == "CERT B\n" }
            #expect(try directory.read("bundle.crt") == Self.system + "CERT A\nCERT B\n")
        }
    }

    @Test func `a bundle that is not there is an error`() async throws {
        try await self.withBundle(in: try TemporaryDirectory()) { bundle, directory, _ in
            do throws(AuthorityBundle.Failure) {
                try await bundle.install("CERT A")
                Issue.record("it was installed")
            } catch {
                guard case .refused(let reason) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(
                    reason
                        == "open CA bundle: open \(directory.path("bundle.crt")): no such file or directory")
            }
            #expect(directory.names == [])
        }
    }
}
