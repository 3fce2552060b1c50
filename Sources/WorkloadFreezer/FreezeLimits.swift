package import NIOCore

/// Bounds on what the freezer does.
package struct FreezeLimits: Sendable {
    /// Groups that one freeze visits, if the request does not say.
    package static let defaultGroups: Int64 = 512
    /// Groups that a request may ask for at most.
    package static let groups: Int64 = 8192
    /// Names in a log line at most.
    static let namedGroups = 8
    /// Time between two looks at groups that have not settled: the kernel gives notice of it at most every 10 ms.
    static let settlingPeriodMilliseconds: UInt32 = 2
    /// The longest that a freeze waits for groups to settle.
    static let settlingTime = TimeAmount.minutes(10)

    /// Groups that a walk over the whole tree visits at most.
    package var walkedGroups = Int(Self.groups)
    /// Time after which a freeze that nobody undid is undone.
    package var watchdog = TimeAmount.minutes(10)

    /// Time from the beginning of a freeze or thaw in which what the host asks goes before all that is busy.
    package var urgentTime = TimeAmount.milliseconds(200)

    package init() {}

    /// The bound for a freeze that asks for `requested` groups.
    package static func bound(_ requested: Int64?) -> Int {
        guard let requested, requested > 0 else { return Int(Self.defaultGroups) }
        return Int(min(requested, Self.groups))
    }
}
