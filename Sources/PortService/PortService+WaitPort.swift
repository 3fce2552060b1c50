import Connect
import EnvdAPI
import NIOCore

extension PortService {
    /// `envd.v1.Port/WaitPort`: tells what ports are open, and what opens and closes while the call lasts.
    ///
    /// - Throws: `ConnectError`: `invalidArgument` if there can be no such port, `resourceExhausted` if the client does
    ///   not take what changes.
    @Sendable func waitPort(
        _ request: Envd_V1_WaitPortRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_WaitPortResponse>
    ) async throws {
        guard let port = UInt16(exactly: request.port) else {
            throw ConnectError(.invalidArgument, "there is no port \(request.port)")
        }
        let subscription = NIOLoopBound(
            PortSubscription(port: port == 0 ? nil : port, limit: self.limits.pendingEvents),
            eventLoop: self.eventLoop)
        let observation = self.monitor.observe(every: self.limits.waitingPeriod) {
            subscription.value.update($0)
        }
        defer { self.monitor.stop(observation) }
        await responses.sendHeaders()
        try await withTaskCancellationHandler {
            var isOpen = false
            while true {
                while let event = subscription.value.next() {
                    try await responses.send(event)
                    isOpen = true
                }
                if subscription.value.hasOverflown {
                    throw ConnectError(.resourceExhausted, "ports change faster than they are taken")
                }
                if !request.follow, isOpen || port == 0 && subscription.value.hasLooked { return }
                guard await subscription.value.changed() else { throw CancellationError() }
            }
        } onCancel: {
            self.eventLoop.execute { subscription.value.end() }
        }
    }
}
