import CSyscallFilter
import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// The same where clone3 is refused: old kernels say `ENOSYS`, container runtimes also `EPERM`.
@Suite struct SpawnFallbackTests {
    @Test func `a child is spawned`() async {
        await #expect(processExitsWith: .success) {
            #expect(csyscall_filter_refuse_clone3(ENOSYS) == 0)
            let child = try FinishedChild.run(script: "echo out; exit 3")
            #expect(child.output == "out\n")
            #expect(child.record.exit == .exited(3))
        }
    }

    @Test func `a failure is reported and leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            #expect(csyscall_filter_refuse_clone3(EPERM) == 0)
            // The null device stays open.
            _ = try FinishedChild.run(script: "")
            let before = ProcessState.descriptorCount()
            #expect(
                FinishedChild.failure(of: SpawnRequest(command: "no-such-command"))
                    == SpawnFailure(stage: .exec, errno: .noSuchFileOrDirectory))
            #expect(ProcessState.descriptorCount() == before)
            #expect(!ProcessState.hasChildren())
        }
    }

    @Test(Requirement.cgroups) func `a child enters its cgroup`() async {
        await #expect(processExitsWith: .success) {
            #expect(csyscall_filter_refuse_clone3(E2BIG) == 0)
            let cgroup = try Cgroup()
            let request = SpawnRequest(
                command: "/bin/grep", arguments: ["^0::", "/proc/self/cgroup"],
                credentials: Credentials(uid: 54_321, gid: 54_321, groups: []),
                cgroup: cgroup.descriptor.rawValue)
            #expect(try FinishedChild.run(request).output == "0::/\(cgroup.name)\n")
        }
    }

    @Test func `a cgroup that is none is reported`() async {
        await #expect(processExitsWith: .success) {
            #expect(csyscall_filter_refuse_clone3(ENOSYS) == 0)
            let directory = try OwnedDescriptor.open("/", flags: O_RDONLY | O_DIRECTORY)
            let request = SpawnRequest(command: "/bin/true", cgroup: directory.rawValue)
            #expect(
                FinishedChild.failure(of: request)
                    == SpawnFailure(stage: .clone, errno: .noSuchFileOrDirectory))
        }
    }
}
