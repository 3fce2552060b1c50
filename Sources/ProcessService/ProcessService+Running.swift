package import LinuxSystem
import NIOCore
package import SandboxContext

extension ProcessService {
    /// A command that runs, for whoever makes figures of it.
    package struct RunningCommand: Sendable {
        package let processID: Int32
        package let kind: CommandCgroups.Class
        package let tag: String?
        /// Nil without cgroups.
        package let cgroup: Cgroup?
    }

    /// The commands that run, in the order in which they were started. Called on the event loop.
    package var running: [RunningCommand] {
        self.table.value.all.map { process in
            RunningCommand(
                processID: process.processID, kind: process.hasTerminal ? .ptys : .user,
                tag: process.origin.tag, cgroup: process.cgroup)
        }
    }
}
