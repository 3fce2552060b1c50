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

        package init(
            searchPath: String, resourceLimits: [ResourceLimit] = [], output: OutputLimits = OutputLimits()
        ) {
            self.searchPath = searchPath
            self.resourceLimits = resourceLimits
            self.output = output
        }
    }

    let configuration: Configuration
    let callers: CallerResolver
    let defaults: SandboxDefaults
    let reaper: ChildReaper
    let eventLoop: any EventLoop
    let table: NIOLoopBound<ProcessTable>

    /// A service without processes. Called on the event loop.
    package init(
        _ configuration: Configuration, callers: CallerResolver, defaults: SandboxDefaults,
        reaper: ChildReaper,
        eventLoop: any EventLoop
    ) {
        self.configuration = configuration
        self.callers = callers
        self.defaults = defaults
        self.reaper = reaper
        self.eventLoop = eventLoop
        let table = ProcessTable(retention: configuration.output.exitRetention, eventLoop: eventLoop)
        self.table = NIOLoopBound(table, eventLoop: eventLoop)
    }

    /// Adds the service's procedures to `router`.
    package func register(in router: inout ConnectRouter) {
        router.register(ProcessAPI.list, self.list)
        router.register(ProcessAPI.connect, self.connect)
        router.register(ProcessAPI.start, self.start)
        router.register(ProcessAPI.update, self.update)
        router.register(ProcessAPI.streamInput, self.streamInput)
        router.register(ProcessAPI.sendInput, self.sendInput)
        router.register(ProcessAPI.sendSignal, self.sendSignal)
        router.register(ProcessAPI.closeStdin, self.closeStdin)
    }

    /// The running process that a request means.
    func process(_ selector: Process_ProcessSelector) throws(ConnectError) -> ManagedProcess {
        let selection = try ProcessSelection(selector)
        guard let process = self.table.value.process(selection) else { throw selection.notFound }
        return process
    }

    func framing(_ context: RPCContext) throws(ConnectError) -> EventFraming {
        guard let framing = EventFraming(codec: context.codec) else {
            throw ConnectError(.unimplemented, "process events have no form in codec '\(context.codec)'")
        }
        return framing
    }
}
