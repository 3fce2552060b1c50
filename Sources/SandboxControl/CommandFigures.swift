package import LinuxSystem

/// The commands that run, as far as figures are made of them.
package struct CommandFigures: Sendable {
    /// A class of commands.
    package struct Class: Sendable {
        package var name: String
        package var running: Int
        /// Nil without cgroups.
        package var cgroup: Cgroup?

        package init(name: String, running: Int, cgroup: Cgroup?) {
            self.name = name
            self.running = running
            self.cgroup = cgroup
        }
    }

    /// One command.
    package struct Command: Sendable {
        package var processID: Int32
        package var className: String
        package var tag: String?
        /// Nil without cgroups: then the figures are of the process alone.
        package var cgroup: Cgroup?

        package init(processID: Int32, className: String, tag: String?, cgroup: Cgroup?) {
            self.processID = processID
            self.className = className
            self.tag = tag
            self.cgroup = cgroup
        }
    }

    package var classes: [Class]
    /// In the order in which they were started.
    package var commands: [Command]

    package init(classes: [Class], commands: [Command]) {
        self.classes = classes
        self.commands = commands
    }
}
