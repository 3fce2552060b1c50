import HTTPTransport
import LinuxIO
import LinuxSystem
import Logging
import NIOCore
import NetworkVolumes
import ProcessService
import SandboxContext
import SandboxControl
import SystemPackage
import WorkloadFreezer

/// What the host of a sandbox and its monitoring ask of the daemon, wired together.
struct ControlRoutes {
    let options: Options
    let access: AccessPolicy
    let defaults: SandboxDefaults
    let processes: ProcessService
    let cgroups: CommandCgroups?
    let freezer: WorkloadFreezer
    let logger: Logger
    let exporter: LogExporter?
    let reaper: ChildReaper
    /// The daemon's `PATH`.
    let searchPath: String
    let pool: BlockingPool
    let eventLoop: any EventLoop

    /// Adds all of them. Called once, on the event loop.
    ///
    /// - Returns: what goes on by itself and has to be stopped in the end; nil if there is no such thing.
    func register(in routes: inout HTTPRouter) -> SandboxMetadata? {
        let logger = self.logger
        let warn: @Sendable (String) -> Void = { logger.warning("\($0)") }
        let freezer = self.freezer
        let workload = Workload(
            audit: { await freezer.audit()?.json },
            thaw: {
                for problem in await freezer.thaw(isInitialized: true) { warn(problem) }
            })
        let metadata = self.options.isNotFirecracker ? nil : self.metadata(warn)
        let initialization = InitService(
            InitService.Parts(
                access: self.access, defaults: self.defaults,
                authorities: AuthorityBundle(pool: self.pool, on: self.eventLoop, warn: warn),
                metadata: metadata, workload: workload,
                volumes: InitVolumes(volumes: NetworkVolumes(on: self.eventLoop))),
            version: Version.current, followsHandover: self.options.followsHandover, pool: self.pool,
            on: self.eventLoop, warn: warn)
        initialization.register(in: &routes)
        UpgradeService(after: initialization).register(in: &routes)
        metadata?.start()
        EnvironmentService(self.defaults).register(in: &routes)
        MetricsService(SystemUse()).register(in: &routes)
        let processes = self.processes
        let cgroups = self.cgroups
        PrometheusService(version: Version.current, pool: self.pool, on: self.eventLoop) {
            Self.figures(of: processes, cgroups)
        }.register(in: &routes)
        return metadata
    }

    private func metadata(_ warn: @escaping @Sendable (String) -> Void) -> SandboxMetadata {
        let route = MetadataRoute(
            reaper: self.reaper, searchPath: self.searchPath, on: self.eventLoop, warn: warn)
        return SandboxMetadata(
            MetadataService(on: self.eventLoop), route: route, defaults: self.defaults,
            exporter: self.exporter, pool: self.pool, on: self.eventLoop, warn: warn)
    }

    /// What the metrics are told of commands.
    private static func figures(of processes: ProcessService, _ cgroups: CommandCgroups?) -> CommandFigures {
        let running = processes.running
        let classes = CommandCgroups.Class.allCases.map { kind in
            CommandFigures.Class(
                name: kind.rawValue, running: running.count { $0.kind == kind },
                cgroup: cgroups?.cgroup(of: kind))
        }
        let commands = running.map {
            CommandFigures.Command(
                processID: $0.processID, className: $0.kind.rawValue, tag: $0.tag, cgroup: $0.cgroup)
        }
        return CommandFigures(classes: classes, commands: commands)
    }
}
