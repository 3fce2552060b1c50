import Connect

/// Which paths a client wants to know of.
struct WatchFilter: Sendable {
    private let include: [GlobPattern]
    private let exclude: [GlobPattern]

    /// Bytes of all patterns of one watch. Every path is compared with all of them.
    private static let maxBytes = 4096

    /// - Throws: `ConnectError` with `invalidArgument` if the patterns are too long.
    init(include: [String], exclude: [String]) throws(ConnectError) {
        guard (include + exclude).reduce(0, { $0 + $1.utf8.count }) <= Self.maxBytes else {
            throw ConnectError(
                .invalidArgument, "the patterns of a watch have at most \(Self.maxBytes) bytes together")
        }
        self.include = include.map { GlobPattern($0) }
        self.exclude = exclude.map { GlobPattern($0) }
    }

    /// Whether what happens at a path is told. What happens to the watched directory itself always is.
    func tells(_ path: WatchPath) -> Bool {
        guard !path.bytes.isEmpty else { return true }
        guard !self.exclude.contains(where: { $0.matches(path.bytes) }) else { return false }
        return self.include.isEmpty || self.include.contains { $0.matches(path.bytes) }
    }

    /// Whether a directory is watched.
    func enters(_ path: WatchPath) -> Bool {
        !self.exclude.contains { $0.matches(path.bytes) }
    }

    /// Whether there are directories that are not watched.
    var leavesOut: Bool { !self.exclude.isEmpty }
}
