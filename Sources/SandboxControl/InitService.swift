package import HTTPTransport
package import LinuxIO
package import LinuxSystem
package import NIOCore
import NIOHTTP1
package import SandboxContext

/// `POST /init`: the host says what holds in the sandbox, when it starts and each time it resumes.
///
/// One request at a time, in the order in which they came; one whose client leaves while it waits does nothing. Who may
/// not make one does not get into the queue: to find out may take as long as the metadata service does.
/// Hosts repeat it until it is answered, so that it is the same however often it is made.
package final class InitService: Sendable {
    /// What the service works with.
    package struct Parts: Sendable {
        package var access: AccessPolicy
        package var defaults: SandboxDefaults
        package var clock: WallClock
        package var hosts: HostsFile
        package var authorities: AuthorityBundle
        /// Nil outside of Firecracker.
        package var metadata: SandboxMetadata?
        package var workload: Workload
        package var volumes: (any VolumeMounting)?

        package init(
            access: AccessPolicy, defaults: SandboxDefaults, clock: WallClock = .system,
            hosts: HostsFile = HostsFile(), authorities: AuthorityBundle, metadata: SandboxMetadata?,
            workload: Workload, volumes: (any VolumeMounting)?
        ) {
            self.access = access
            self.defaults = defaults
            self.clock = clock
            self.hosts = hosts
            self.authorities = authorities
            self.metadata = metadata
            self.workload = workload
            self.volumes = volumes
        }
    }

    let parts: Parts
    let pool: BlockingPool
    let executor: EventLoopTaskExecutor
    let warn: @Sendable (String) -> Void
    private let version: String
    private let followsHandover: Bool
    let largeBodyTime: TimeAmount
    private let eventLoop: any EventLoop
    private let authority: InitAuthority
    private let lock = FairLock()
    private let newest: NIOLoopBoundBox<Int64>
    private let initialized: NIOLoopBoundBox<Bool>
    /// Large bodies that are being read.
    let largeBodies: NIOLoopBoundBox<Int>

    /// - Parameters:
    ///   - version: what the daemon says it is.
    ///   - followsHandover: another daemon has made itself this one, which takes nothing over; the host is told.
    ///   - largeBodyTime: for a large body to come, which takes the place of another one.
    ///   - warn: takes a line for the log.
    package init(
        _ parts: Parts, version: String, followsHandover: Bool = false,
        largeBodyTime: TimeAmount = .seconds(30), pool: BlockingPool,
        on eventLoop: any EventLoop,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.parts = parts
        self.authority = InitAuthority(access: parts.access, metadata: parts.metadata)
        self.version = version
        self.followsHandover = followsHandover
        self.largeBodyTime = largeBodyTime
        self.pool = pool
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.warn = warn
        self.newest = NIOLoopBoundBox.makeBoxSendingValue(.min, eventLoop: eventLoop)
        self.initialized = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
        self.largeBodies = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: eventLoop)
    }

    /// Whether a request has been answered with success.
    package var isInitialized: Bool { self.initialized.value }

    /// Adds `POST /init`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.POST, "/init", HTTPTaskHandler(on: self.eventLoop) { await self.handle($0) })
    }

    private func handle(_ exchange: HTTPExchange) async {
        exchange.addCommonHeader("X-Envd-Version", self.version)
        if self.followsHandover { exchange.addCommonHeader("X-Envd-Handover", Self.failedHandover) }
        let answer: InitAnswer
        do throws(InitAnswer) {
            let request = try await self.read(exchange)
            let changes = self.parts.access.changes
            try await self.authority.check(request.accessToken)
            guard
                let result = await self.lock.runUnlessCancelled({ await self.run(request, changes, exchange) }
                )
            else {
                throw .cancelled
            }
            answer = result
        } catch {
            answer = error
        }
        exchange.respond(answer.status, answer.headers, body: answer.body)
    }

    /// What a host is told of a handover of which nothing came.
    private static let failedHandover =
        #"{"failed":true,"procs":0,"procs_failed":0,"retained":0,"retained_failed":0,"watchers":0,"watchers_failed":0}"#

    /// Does what the request says, in its turn. From here on, the client makes no difference.
    ///
    /// - Parameter changes: how often the token had changed when the request was authorised.
    private func run(_ request: InitRequest, _ changes: Int, _ exchange: HTTPExchange) async -> InitAnswer {
        if self.parts.access.changes != changes {
            do throws(InitAnswer) {
                try await self.authority.check(request.accessToken)
            } catch {
                return error
            }
        }
        if Task.isCancelled { return .cancelled }
        if let audit = await self.parts.workload.audit() {
            exchange.addCommonHeader("X-Envd-Freeze-Audit", audit)
        }
        var answer = InitAnswer.done
        if self.accept(request.timestamp) {
            do throws(InitAnswer) {
                try await self.apply(request)
            } catch {
                answer = error
            }
        }
        await self.parts.workload.thaw()
        if answer == .done {
            self.initialized.value = true
            self.parts.metadata?.refresh()
        }
        return answer
    }

    /// Whether a request of that time says something new. One without a time always does.
    private func accept(_ timestamp: Int64?) -> Bool {
        guard let timestamp else { return true }
        guard timestamp >= self.newest.value else { return false }
        self.newest.value = timestamp
        return true
    }
}
