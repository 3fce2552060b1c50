package import SystemPackage

extension CgroupTree {
    /// The group of this process: the nearest one of this tree that cannot be frozen without freezing it.
    ///
    /// A process outside the tree, which nothing in it could freeze, counts as one in the root.
    ///
    /// - Returns: nil if the kernel does not tell.
    /// - SeeAlso: cgroups(7), "/proc/pid/cgroup"; proc_pid_mountinfo(5).
    package func ownGroup() -> FilePath? {
        guard let membership = try? KernelText.read("/proc/self/cgroup"),
            let own = Self.unifiedGroup(in: membership)
        else { return nil }
        guard let mounts = try? KernelText.read("/proc/self/mountinfo"),
            let top = Self.group(at: self.root, mounts: mounts)
        else { return own }
        var relative = own
        return top.isEmpty || relative.removePrefix(top) ? relative : FilePath()
    }

    /// The path in a line `0::/path`, relative; nil if there is none.
    package static func unifiedGroup(in membership: String) -> FilePath? {
        for line in membership.split(separator: "\n") where line.hasPrefix("0::/") {
            let path = FilePath(String(line.dropFirst(3)))
            // A path above the root of the cgroup namespace begins with `/..`.
            guard path.components.allSatisfy({ $0.kind == .regular }) else { return FilePath() }
            return FilePath(root: nil, path.components)
        }
        return nil
    }

    /// The group that is found at a directory, relative to the hierarchy's root; nil if no cgroup v2 is mounted
    /// there.
    package static func group(at directory: FilePath, mounts: String) -> FilePath? {
        var best: (mountPoint: FilePath, top: FilePath)?
        for line in mounts.split(separator: "\n") {
            // id, parent, device, root, mount point, options, optional fields, "-", type, source, options
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"),
                fields.indices.contains(dash + 1), fields[dash + 1] == "cgroup2"
            else { continue }
            let mountPoint = FilePath(MountInfo.unescaped(fields[4]))
            guard directory.starts(with: mountPoint) else { continue }
            if let best, best.mountPoint.components.count > mountPoint.components.count { continue }
            best = (mountPoint, FilePath(MountInfo.unescaped(fields[3])))
        }
        guard let best else { return nil }
        var rest = directory
        _ = rest.removePrefix(best.mountPoint)
        return FilePath(root: nil, best.top.components).appending(rest.components)
    }
}
