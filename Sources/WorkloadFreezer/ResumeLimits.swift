package import NIOCore

/// What counts as a pause, and what its hooks may take.
package struct ResumeLimits: Sendable {
    /// The shortest pause that the clocks are believed.
    package var leastPause = TimeAmount.seconds(1)
    /// The shortest pause after which nobody is at the other end of older connections.
    package var deadlyPause = TimeAmount.seconds(10)
    /// Time before the end of a pause was noticed in which clients may have come already.
    package var noticeTime = TimeAmount.seconds(1)
    /// Time for all hooks before a pause.
    package var prePauseTime = TimeAmount.seconds(2)
    /// Time for all hooks after one.
    package var postResumeTime = TimeAmount.seconds(30)
    /// Hooks that are run at most.
    package var hooks = 64

    package init() {}
}
