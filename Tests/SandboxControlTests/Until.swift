import EnvdTestSupport
import NIOCore

/// A condition did not come to hold.
struct NotSo: Error {}

/// Returns soon after `condition` holds, of which nothing tells.
func until(_ condition: @Sendable () -> Bool) async throws {
    let limit = NIODeadline.now() + patience
    while !condition() {
        guard NIODeadline.now() < limit else { throw NotSo() }
        // Looked at again in a later turn, so that the loop has time for what is waited for.
        try await ClientLoop.any.scheduleTask(in: .milliseconds(2)) {}.futureResult.get()
    }
}
