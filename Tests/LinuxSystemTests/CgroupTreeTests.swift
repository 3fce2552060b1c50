import Glibc
import LinuxSystem
import SystemPackage
import Testing

@Suite struct CgroupTreeTests {
    @Test(
        arguments: [
            ("0::/\n", ""), ("0::/system.slice/envd.service\n", "system.slice/envd.service"),
            ("12:cpu:/a\n1:name=systemd:/b\n0::/c d\n", "c d"), ("0::/../elsewhere\n", ""),
            ("1:name=systemd:/b\n", nil), ("", nil), ("0::\n", nil),
        ] as [(String, FilePath?)])
    func `the group that a process is in`(_ membership: String, _ group: FilePath?) {
        #expect(CgroupTree.unifiedGroup(in: membership) == group)
    }

    @Test func `the group that is mounted at a directory`() {
        let mounts = """
            30 1 0:20 / / rw - ext4 /dev/vda rw
            40 30 0:38 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw
            41 40 0:38 /a/b /sys/fs/cgroup/user/my\\040own rw - cgroup2 cgroup2 rw
            42 30 0:39 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
            """
        #expect(CgroupTree.group(at: "/sys/fs/cgroup", mounts: mounts) == "")
        #expect(CgroupTree.group(at: "/sys/fs/cgroup/user/1", mounts: mounts) == "user/1")
        #expect(CgroupTree.group(at: "/sys/fs/cgroup/user/my own/c", mounts: mounts) == "a/b/c")
        #expect(CgroupTree.group(at: "/sys/fs/cgroups", mounts: mounts) == nil)
    }

    @Test(Requirement.cgroups)
    func `this process counts as in the root of a tree that it is not in`() throws {
        let cgroup = try Cgroup()
        let tree = try CgroupTree(at: "\(Cgroup.root ?? "")/\(cgroup.name)")
        #expect(tree.ownGroup() == "")
    }

    @Test(Requirement.cgroups)
    func `the real tree has the group of this process`() throws {
        let tree = try CgroupTree(at: Cgroup.root ?? "")
        let membership = try KernelText.read("/proc/self/cgroup")
        let own = try #require(tree.ownGroup())
        #expect(membership.split(separator: "\n").contains("0::/\(own)"))
    }

    @Test func `what is no hierarchy is refused`() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: Errno.notSupported) { try CgroupTree(at: directory.path) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try CgroupTree(at: directory.path + "/none") }
    }

    @Test func `children come in the order of their bytes, whatever bytes those are`() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.file("cgroup.controllers", mode: 0o644)
        for name in ["b", "a", "B", "a.b"] { _ = try directory.directory(name, mode: 0o755) }
        var strange = Array("\(directory.path)/".utf8CString.dropLast()) + [CChar(bitPattern: 0xff), 0]
        #expect(mkdir(&strange, 0o755) == 0)
        let tree = try CgroupTree(at: directory.path)
        let children = try tree.children(of: "")
        #expect(children.prefix(4) == ["B", "a", "a.b", "b"])
        #expect(children.count == 5)
        let last = try #require(children.last)
        #expect(try tree.children(of: last) == [])
    }

    @Test(Requirement.cgroups)
    func `a group has the children that were made in it, and no others`() throws {
        let cgroup = try Cgroup()
        let root = try #require(Cgroup.root)
        let tree = try CgroupTree(at: root)
        let group = FilePath(cgroup.name)
        #expect(try tree.children(of: group) == [])
        let child = "\(root)/\(cgroup.name)/child"
        #expect(mkdir(child, 0o755) == 0)
        let children = try tree.children(of: group)
        #expect(rmdir(child) == 0)
        #expect(children == [group.appending("child")])
        #expect(try tree.children(of: group) == [])
        #expect(throws: Errno.noSuchFileOrDirectory) { try tree.children(of: group.appending("child")) }
    }

    @Test(Requirement.cgroups)
    func `an empty group settles at once`() throws {
        let cgroup = try Cgroup()
        let tree = try CgroupTree(at: Cgroup.root ?? "")
        let group = FilePath(cgroup.name)
        #expect(try !tree.isFreezeRequested(group))
        try tree.requestFreeze(true, group)
        #expect(try tree.isFreezeRequested(group))
        #expect(try tree.isFrozen(group))
        try tree.requestFreeze(false, group)
        #expect(try !tree.isFrozen(group))
    }
}
