package import LinuxIO
import LinuxSystem
package import NIOCore
package import SandboxContext
import SystemPackage

/// What the metadata service says of the sandbox, brought to where it is wanted: the environment of commands, files,
/// the log.
package final class SandboxMetadata: Sendable {
    /// Time for an answer after each `/init`.
    private static let refreshTime = TimeAmount.seconds(60)

    private let service: MetadataService
    private let route: MetadataRoute
    private let firstPoll: MetadataPoll
    private let nextPoll: MetadataPoll

    /// - Parameters:
    ///   - exporter: takes the daemon's log lines to where the service says; nil for nowhere.
    ///   - warn: takes a line for the log.
    package init(
        _ service: MetadataService, route: MetadataRoute, defaults: SandboxDefaults,
        mark: SandboxMark = SandboxMark(), exporter: LogExporter?, pool: BlockingPool,
        on eventLoop: any EventLoop,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.service = service
        self.route = route
        let found: @Sendable (MachineMetadata) async -> Void = { metadata in
            defaults.update { defaults in
                if !metadata.instanceID.isEmpty {
                    defaults.setInternalVariable("E2B_SANDBOX_ID", metadata.instanceID)
                }
                if !metadata.templateID.isEmpty {
                    defaults.setInternalVariable("E2B_TEMPLATE_ID", metadata.templateID)
                }
            }
            if !metadata.logAddress.isEmpty { exporter?.send(to: metadata) }
            do throws(Errno) {
                try await pool.run { () throws(Errno) in try mark.write(metadata) }
            } catch {
                warn("cannot write the sandbox's name: \(error.lowercasedDescription)")
            }
        }
        self.firstPoll = MetadataPoll(service, on: eventLoop, found: found, gaveUp: warn)
        self.nextPoll = MetadataPoll(service, on: eventLoop, found: found, gaveUp: warn)
    }

    /// Asks until there is an answer. Called once, at start.
    package func start() {
        self.firstPoll.start(within: nil)
    }

    /// Ends all asking.
    package func stop() {
        self.firstPoll.stop()
        self.nextPoll.stop()
    }

    /// Asks again: a sandbox that resumes may have another name. Asking goes on after this returns.
    func refresh() {
        self.nextPoll.start(within: Self.refreshTime)
    }

    /// The hash of the token that the host will set; empty if none is announced or the service does not answer.
    ///
    /// Cancelling the task ends it.
    func tokenHash() async -> String {
        if let metadata = try? await self.service.fetch() { return metadata.tokenHash }
        if Task.isCancelled { return "" }
        await self.route.pin()
        return (try? await self.service.fetch())?.tokenHash ?? ""
    }
}
