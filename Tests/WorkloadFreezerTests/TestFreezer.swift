import EnvdTestSupport
import LinuxSystem
import NIOCore
import NIOPosix
import SystemPackage

@testable import WorkloadFreezer

/// A freezer on a loop of its own, and what it logged.
struct TestFreezer: Sendable {
    static let eventLoop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()

    let freezer: WorkloadFreezer
    let eventLoop: any EventLoop
    let warnings = Mailbox<String>()

    /// - Parameters:
    ///   - own: the daemon's group; nil if it is unknown.
    ///   - eventLoop: where it lives; its thread's precedence is changed.
    ///   - urgentTime: how long that lasts.
    ///   - asked: called on the freezer's thread when it asks for that.
    init(
        _ tree: CgroupTree?, own: String? = "system.slice/envd.service",
        watchdog: TimeAmount = .minutes(10), walkedGroups: Int = 8192,
        on eventLoop: any EventLoop = Self.eventLoop, urgentTime: TimeAmount = .milliseconds(200),
        asked: @escaping @Sendable () -> Void = {}
    ) {
        var limits = FreezeLimits()
        limits.watchdog = watchdog
        limits.walkedGroups = walkedGroups
        limits.urgentTime = urgentTime
        self.eventLoop = eventLoop
        let warnings = self.warnings
        self.freezer = WorkloadFreezer(
            tree, limits: limits,
            ownGroup: {
                asked()
                return own.map { FilePath($0) }
            }, on: eventLoop
        ) { warnings.post($0) }
    }

    /// Runs on the freezer's loop.
    func run<Success: Sendable>(
        _ body: @escaping @Sendable (WorkloadFreezer) async throws -> Success
    ) async throws -> Success {
        let freezer = self.freezer
        return try await self.eventLoop.run { try await body(freezer) }
    }

    func freeze(
        _ mode: FreezeMode, limit: Int = 512, wait: TimeAmount? = nil
    ) async throws -> FreezeOutcome? {
        try await self.run { await $0.freeze(mode, limit: limit, wait: wait) }
    }

    @discardableResult
    func thaw() async throws -> [String] {
        try await self.run { await $0.thaw() }
    }

    func audit() async throws -> FreezeAudit? {
        try await self.run { await $0.audit() }
    }

    /// The groups that the sandbox itself froze.
    var guest: [String] {
        get async throws { try await self.run { $0.guestFrozen.map(\.string).sorted() } }
    }

    var isWatched: Bool {
        get async throws { try await self.run { $0.isWatched } }
    }
}
