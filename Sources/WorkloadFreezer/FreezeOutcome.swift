/// What a freeze did.
package struct FreezeOutcome: Sendable, Equatable {
    package var mode: FreezeMode
    /// Groups that were asked to freeze.
    package var requested = 0
    /// Of these, groups in which all stood still in time.
    package var frozen = 0
    /// Of these, groups that did not.
    package var notFrozen = 0
    /// Groups that could not be asked, or whose state could not be read.
    package var failed = 0
    /// Of those asked, groups whose state nobody can know, because there are no cgroups.
    package var unobservable = 0
    /// Groups that somebody in the sandbox had frozen before.
    package var preFrozen = 0
    /// Groups that were left alone because the machine needs them.
    package var allowlisted = 0
    /// Groups that a freeze of the whole hierarchy looked at.
    package var visited = 0
    /// There were more groups than might be looked at.
    package var isTruncated = false
    package var sweepMilliseconds: Int64 = 0
    package var waitMilliseconds: Int64 = 0
    /// The client went away while groups settled.
    package var wasCancelled = false

    package init(mode: FreezeMode) {
        self.mode = mode
    }

    /// The answer's object, with every key, in the order of their names.
    package var json: String {
        """
        {"allowlisted":\(self.allowlisted),"failed":\(self.failed),"frozen":\(self.frozen),\
        "mode":"\(self.mode.rawValue)","notFrozen":\(self.notFrozen),"preFrozen":\(self.preFrozen),\
        "requested":\(self.requested),"sweepMs":\(self.sweepMilliseconds),"truncated":\(self.isTruncated),\
        "unobservable":\(self.unobservable),"visited":\(self.visited),"waitMs":\(self.waitMilliseconds)}
        """
    }
}
