/// A limit on what a process may use.
///
/// - SeeAlso: setrlimit(2).
package struct ResourceLimit: Sendable, Hashable {
    /// `RLIMIT_*`, for example `RLIMIT_NOFILE`.
    package var resource: Int32
    /// What is enforced, in the resource's unit; `UInt64.max` is no limit.
    package var soft: UInt64
    /// How far the process itself may raise `soft`.
    package var hard: UInt64

    package init(resource: Int32, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}
