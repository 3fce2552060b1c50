import HTTPTransport
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

extension InitService {
    /// Time that the sandbox's clock may be behind the host's: what a request takes.
    private static let clockLag: Int64 = 50_000_000
    /// Time that it may be ahead.
    private static let clockLead: Int64 = 5_000_000_000

    /// Whether a clock that says `now` is to be set to `time`; both are nanoseconds since 1970.
    static func isOff(_ now: Int64, from time: Int64) -> Bool {
        let (ahead, overflow) = now.subtractingReportingOverflow(time)
        if overflow { return true }
        return ahead < -Self.clockLag || ahead > Self.clockLead
    }

    /// Makes the sandbox as the request says. What came before an error stays.
    ///
    /// - Throws: ``InitAnswer``.
    func apply(_ request: InitRequest) async throws(InitAnswer) {
        if let timestamp = request.timestamp { self.setClock(timestamp) }
        self.parts.defaults.update { defaults in
            if let environment = request.environment { defaults.replaceUserVariables(environment) }
            if let user = request.defaultUser, !user.isEmpty { defaults.user = user }
            if let directory = request.defaultWorkingDirectory, !directory.isEmpty {
                defaults.workingDirectory = directory
            }
        }
        self.parts.access.set(request.accessToken)
        if let address = request.eventsAddress, !address.isEmpty {
            _ = self.executor.startTask { await self.setEventsAddress(address) }
        }
        if let certificates = request.authorities, !certificates.isEmpty {
            try await self.install(certificates)
        }
        if !request.volumes.isEmpty { try await self.mount(request) }
    }

    private func setClock(_ time: Int64) {
        let clock = self.parts.clock
        guard Self.isOff(clock.read(), from: time) else { return }
        if let error = clock.step(time) {
            self.warn("cannot set the clock: \(error.lowercasedDescription)")
        }
    }

    /// The name under which programs in the sandbox find what takes their events.
    private static let eventsName = "events.e2b.local"

    private func setEventsAddress(_ address: String) async {
        do {
            try await self.parts.hosts.map(Self.eventsName, to: address, on: self.pool)
        } catch {
            self.warn("cannot map \(Self.eventsName) to '\(address)': \(error.lowercasedDescription)")
            return
        }
        self.parts.defaults.update { $0.setInternalVariable("E2B_EVENTS_ADDRESS", "http://\(address)") }
    }

    private func install(_ certificates: String) async throws(InitAnswer) {
        do {
            try await self.parts.authorities.install(certificates)
        } catch {
            let operation = "failed to install CA bundle: "
            switch error {
            case .cancelled:
                throw InitAnswer(
                    status: .serviceUnavailable,
                    text: operation + "CA install already in progress: context canceled")
            case .refused(let reason): throw InitAnswer(status: .badRequest, text: operation + reason)
            }
        }
    }

    private func mount(_ request: InitRequest) async throws(InitAnswer) {
        let operation = "failed to setup NFS volumes: "
        guard let volumes = self.parts.volumes else {
            let path = request.volumes[0].path
            throw InitAnswer(
                status: .badRequest,
                text: operation + "failed to mount NFS at \"\(path)\": network volumes are not supported")
        }
        do {
            try await volumes.mount(request.volumes, lifecycle: request.lifecycle)
        } catch {
            throw InitAnswer(status: .badRequest, text: operation + error.message)
        }
    }
}
