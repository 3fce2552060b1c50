package import Connect
import EnvdAPI
package import LinuxIO
package import LinuxSystem
package import NIOCore
package import SandboxContext

/// `process.Process`: runs commands and terminals and streams what they write.
///
/// Its procedures run on the event loop that it is made for.
package final class ProcessService: Sendable {
    /// What the service is told once, at start.
    package struct Configuration: Sendable {
        /// The `PATH` that commands get.
        package var searchPath: String
        /// Limits of the kernel that commands get instead of the daemon's own.
        package var resourceLimits: [ResourceLimit]
        package var output: OutputLimits
        /// Where commands get cgroups; nil for none.
        package var cgroups: CommandCgroups?

        package init(
            searchPath: String, resourceLimits: [ResourceLimit] = [], output: OutputLimits = OutputLimits(),
            cgroups: CommandCgroups? = nil
        ) {
            self.cgroups = cgroups
            self.searchPath = searchPath
            self.resourceLimits = resourceLimits
            self.output = output
        }
    }

    let configuration: Configuration
    let callers: CallerResolver
    let defaults: SandboxDefaults
    let reaper: ChildReaper
    let pause: WorkloadPause?
    let eventLoop: any EventLoop
    let table: NIOLoopBound<ProcessTable>
    let budget: NIOLoopBound<OutputBudget>
    /// The starts under way of executions with an id, and who waits for each.
    let starting: NIOLoopBoundBox<[ExecutionID: [() -> Void]]>
    /// Starts under way, each of which may become a process.
    let startCount: NIOLoopBoundBox<Int>

    /// A service without processes. Called on the event loop.
    ///
    /// - Parameter pause: while the workload stands still, nothing is started and no time runs out.
    package init(
        _ configuration: Configuration, callers: CallerResolver, defaults: SandboxDefaults,
        reaper: ChildReaper,
        pause: WorkloadPause? = nil,
        eventLoop: any EventLoop
    ) {
        self.pause = pause
        self.configuration = configuration
        self.callers = callers
        self.defaults = defaults
        self.reaper = reaper
        self.eventLoop = eventLoop
        let budget = OutputBudget(limit: configuration.output.totalKeptBytes)
        let table = ProcessTable(limits: configuration.output, budget: budget, eventLoop: eventLoop)
        budget.makeRoom = { [weak table] in table?.makeRoom($0) }
        self.table = NIOLoopBound(table, eventLoop: eventLoop)
        self.budget = NIOLoopBound(budget, eventLoop: eventLoop)
        self.starting = NIOLoopBoundBox([:], eventLoop: eventLoop)
        self.startCount = NIOLoopBoundBox(0, eventLoop: eventLoop)
        if let cgroups = configuration.cgroups { reaper.whenOrphansEnd { cgroups.removeEmpty() } }
        if let pause { self.follow(pause) }
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(ProcessAPI.list, self.list)
        router.register(ProcessAPI.connect, source: self.connect)
        router.register(ProcessAPI.start, source: self.start)
        router.register(ProcessAPI.update, self.update)
        router.register(ProcessAPI.streamInput, self.streamInput)
        router.register(ProcessAPI.sendInput, self.sendInput)
        router.register(ProcessAPI.sendSignal, self.sendSignal)
        router.register(ProcessAPI.closeStdin, self.closeStdin)
        router.register(ExecutionAPI.wait, self.wait)
        router.register(ExecutionAPI.freeze, self.freeze)
        router.register(ExecutionAPI.thaw, self.thaw)
    }

    /// The running process that a request means.
    func process(_ selector: Process_ProcessSelector) throws(ConnectError) -> ManagedProcess {
        let selection = try ProcessSelection(selector)
        guard let process = self.table.value.findRunning(selection) else { throw selection.notFound }
        return process
    }

    func framing(_ context: RPCContext) throws(ConnectError) -> EventFraming {
        guard let framing = EventFraming(codec: context.codec) else {
            throw ConnectError(.unimplemented, "process events have no form in codec '\(context.codec)'")
        }
        return framing
    }
}
