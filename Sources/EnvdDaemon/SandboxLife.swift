import Connect
import HTTPTransport
import LinuxIO
import LinuxSystem
import Logging
import NIOCore
import PortService
import ProcessService
import SandboxContext
import SystemPackage
import WorkloadFreezer

/// The parts of the daemon that follow a sandbox through its life: stops and pauses, and the ports that open in it.
struct SandboxLife {
    let freezer: WorkloadFreezer
    private let resume: Resume
    private let ports: PortService
    private let filesystem: FilesystemFreezer
    private let collapse: HeapCollapse

    /// - Parameters:
    ///   - cgroups: where the cgroups of commands are; nil without.
    ///   - pause: told of stops.
    ///   - connections: those that a pause ends.
    init(
        cgroups: String?, _ pause: WorkloadPause, searchPath: String, reaper: ChildReaper, pool: BlockingPool,
        connections: ListeningServer, _ logger: Logger, on eventLoop: any EventLoop
    ) {
        let warn: @Sendable (String) -> Void = { logger.warning("\($0)") }
        let hooks = PauseHooks(searchPath: searchPath, reaper: reaper, pool: pool, on: eventLoop)
        let parts = Resume.Parts(hooks: hooks) {
            connections.server?.closeConnections(
                silentSince: $0.start, sparingAcknowledged: $0.isBrokenByAcknowledgment)
        }
        let resume = Resume(parts, on: eventLoop, warn: warn)
        var observer = FreezeObserver()
        observer.willFreeze = { await resume.announce() }
        observer.froze = { pause.begin() }
        observer.willThaw = { resume.wake(frozen: $0, isInitialized: $1) }
        observer.thawed = {
            pause.end()
            resume.announceEnd()
        }
        self.freezer = WorkloadFreezer(
            cgroups.flatMap { try? CgroupTree(at: $0) }, observer: observer, on: eventLoop, warn: warn)
        self.freezer.thawLeftovers()
        self.resume = resume
        self.ports = PortService(pool: pool, on: eventLoop)
        self.filesystem = FilesystemFreezer(on: eventLoop)
        self.collapse = HeapCollapse(on: eventLoop, pool: pool)
        do throws(Errno) {
            try self.ports.startForwarding()
        } catch {
            logger.warning("ports are not forwarded: \(error.lowercasedDescription)")
        }
    }

    /// Adds all routes and procedures.
    func register(in routes: inout HTTPRouter, _ procedures: inout ConnectRouter) {
        self.freezer.register(in: &routes)
        self.resume.register(in: &routes)
        self.filesystem.register(in: &routes)
        self.collapse.register(in: &routes)
        self.ports.register(in: &routes)
        self.ports.register(in: &procedures)
    }
}
