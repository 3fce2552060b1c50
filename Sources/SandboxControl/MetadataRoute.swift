package import LinuxIO
import LinuxSystem
package import NIOCore

/// The way to the metadata service, which rules of the sandbox's own firewall may have taken: packets that go there
/// are put before all other rules again.
package final class MetadataRoute: Sendable {
    private static let chains = ["PREROUTING", "OUTPUT"]
    /// Between two complaints.
    private static let complaintPeriod = TimeAmount.seconds(10)

    private struct State {
        var isPinning = false
        var lastComplaint: NIODeadline?
    }

    private let address: String
    private let reaper: ChildReaper
    private let searchPath: String
    private let warn: @Sendable (String) -> Void
    private let state: NIOLoopBoundBox<State>

    /// - Parameters:
    ///   - searchPath: the `PATH` in which iptables(8) is looked for.
    ///   - warn: takes a line for the log.
    package init(
        to address: String = MetadataService.address, reaper: ChildReaper, searchPath: String,
        on eventLoop: any EventLoop, warn: @escaping @Sendable (String) -> Void
    ) {
        self.address = address
        self.reaper = reaper
        self.searchPath = searchPath
        self.warn = warn
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Puts the rules first, unless that is being done.
    func pin() async {
        guard !self.state.value.isPinning else { return }
        self.state.value.isPinning = true
        defer { self.state.value.isPinning = false }
        for chain in Self.chains {
            let rule = ["-d", self.address, "-p", "tcp", "--dport", "80", "-j", "RETURN"]
            // It need not be there.
            _ = try? await self.iptables(["-D", chain] + rule)
            do {
                let record = try await self.iptables(["-I", chain, "1"] + rule)
                if let record, record.exit != .exited(0) { self.complain("iptables -I \(chain) failed") }
            } catch {
                self.complain("cannot run iptables: \(error.errno.lowercasedDescription)")
            }
        }
    }

    private func iptables(_ arguments: [String]) async throws(SpawnFailure) -> ExitRecord? {
        try await self.reaper.run(
            SpawnRequest(
                command: "iptables", arguments: ["-w", "5", "-t", "nat"] + arguments,
                environment: ["PATH=\(self.searchPath)"]))
    }

    private func complain(_ problem: String) {
        let now = NIODeadline.now()
        if let last = self.state.value.lastComplaint, now - last < Self.complaintPeriod { return }
        self.state.value.lastComplaint = now
        self.warn("cannot keep the way to the metadata service open: \(problem)")
    }
}
