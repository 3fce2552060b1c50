internal import Glibc
import LinuxSystem

/// The number of descriptors that the daemon may have.
enum DescriptorLimit {
    /// Descriptors that are left for files, commands and what the daemon itself has open.
    private static let reserve = 512
    /// Connections that there may be in any case.
    private static let leastConnections = 64

    /// The number of connections for which there are descriptors.
    ///
    /// - Parameter most: what it is where there are plenty.
    static func connections(atMost most: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return most }
        let available = Int(clamping: limit.rlim_cur) - Self.reserve
        return min(most, max(available, Self.leastConnections))
    }

    /// Raises the daemon's own limit to what the system allows it.
    ///
    /// - Returns: the limit as it was: commands get that one, because programs that use select(2) break with
    ///   descriptors above 1023.
    static func raise() -> [ResourceLimit] {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return [] }
        let inherited = ResourceLimit(
            resource: Int32(RLIMIT_NOFILE.rawValue), soft: UInt64(limit.rlim_cur),
            hard: UInt64(limit.rlim_max))
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return [] }
        return [inherited]
    }
}
