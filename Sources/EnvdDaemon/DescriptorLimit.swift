internal import Glibc
import LinuxSystem

/// The number of descriptors that the daemon may have.
enum DescriptorLimit {
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
