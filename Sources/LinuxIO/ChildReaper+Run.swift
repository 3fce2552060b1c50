package import LinuxSystem

extension ChildReaper {
    /// Starts a child and waits for its end. What it writes is lost. Called on the event loop.
    ///
    /// - Returns: nil if the child was lost.
    /// - Throws: `SpawnFailure`: where and why it could not be started.
    package func run(_ request: SpawnRequest) async throws(SpawnFailure) -> ExitRecord? {
        guard let child = try await self.spawn(request).take() else { return nil }
        let processID = child.processID
        // Kept to the end: writing to a pipe without a reader would kill it.
        let kept = Handoff(child)
        return await withCheckedContinuation { continuation in
            self.watch(processID) { record in
                _ = kept.take()
                continuation.resume(returning: record)
            }
        }
    }
}
