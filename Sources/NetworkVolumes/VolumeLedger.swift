/// Which volumes were mounted, and for which life of the sandbox.
struct VolumeLedger: Sendable {
    private var lifecycles: [String: String] = [:]

    /// Whether a path needs a mount: it was never mounted, or in another life.
    func needsMount(_ path: String, lifecycle: String) -> Bool {
        self.lifecycles[path] != lifecycle
    }

    mutating func mounted(_ path: String, lifecycle: String) {
        self.lifecycles[path] = lifecycle
    }

    mutating func removed(_ path: String) {
        self.lifecycles[path] = nil
    }
}
