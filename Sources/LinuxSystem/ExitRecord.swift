/// How a child ended and what it used, its own reaped children included.
package struct ExitRecord: Sendable, Hashable {
    package var exit: ChildExit
    /// Microseconds on a processor in user code.
    package var userTime: Int64
    /// Microseconds on a processor in the kernel.
    package var systemTime: Int64
    /// The most memory that was resident at once, of any one process. It begins at what the parent had
    /// resident when it spawned the child, whose memory it was until exec.
    package var peakResidentKiB: Int64

    package init(exit: ChildExit, userTime: Int64, systemTime: Int64, peakResidentKiB: Int64) {
        self.exit = exit
        self.userTime = userTime
        self.systemTime = systemTime
        self.peakResidentKiB = peakResidentKiB
    }
}
