/// What `/init` does with the commands of a sandbox that may have been frozen.
package struct Workload: Sendable {
    /// Looks at whether a freeze still holds: the value of `X-Envd-Freeze-Audit`, or nil if there is none to look at.
    package var audit: @Sendable () async -> String?
    /// Lets everything go on. What goes wrong is its own to report.
    package var thaw: @Sendable () async -> Void

    package init(
        audit: @escaping @Sendable () async -> String?, thaw: @escaping @Sendable () async -> Void
    ) {
        self.audit = audit
        self.thaw = thaw
    }
}
