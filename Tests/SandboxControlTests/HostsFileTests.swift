import Glibc
import LinuxIO
import SystemPackage
import Testing

@testable import SandboxControl

@Suite struct HostsFileTests {
    private let name = "events.e2b.local"

    @Test(arguments: ["", "\n"], ["", "\n"])
    func `a new name gets a line of its own`(_ leading: String, _ trailing: String) throws {
        let lines = "# a comment\n127.0.0.1        localhost\n127.0.0.2        one two"
        let edited = try HostsFile.mapping(self.name, to: "127.0.0.3", in: leading + lines + trailing)
        #expect(edited == leading + lines + "\n127.0.0.3        events.e2b.local\n")
    }

    @Test func `lines may end as in DOS`() throws {
        let lines = "127.0.0.1 localhost\r\n127.0.0.2 one\r\n127.0.0.4 events.e2b.local\r\n"
        let edited = try HostsFile.mapping(self.name, to: "127.0.0.3", in: lines)
        #expect(
            edited == "127.0.0.1 localhost\r\n127.0.0.2 one\r\n127.0.0.3        events.e2b.local\n")
    }

    @Test func `nothing changes when the name is there`() throws {
        for text in [
            "127.0.0.3 events.e2b.local\n", "127.0.0.3\tone EVENTS.e2b.local two # mine",
            "127.0.0.9 x\n127.0.0.3 events.e2b.local",
        ] {
            #expect(try HostsFile.mapping(self.name, to: "127.0.0.3", in: text) == nil)
        }
        #expect(
            try HostsFile.mapping(self.name, to: "2001:DB8::1", in: "2001:db8:0::1 events.e2b.local") == nil)
    }

    @Test func `the name leaves another address, and a line that is empty then goes`() throws {
        let text = "127.0.0.1 localhost\n127.0.0.3 events.e2b.local\n127.0.0.4 One events.e2b.local #two\n"
        #expect(
            try HostsFile.mapping(self.name, to: "127.0.0.5", in: text)
                == "127.0.0.1 localhost\n127.0.0.4        one #two\n127.0.0.5        events.e2b.local\n")
    }

    @Test func `the name joins a line of its address that has no comment`() throws {
        #expect(
            try HostsFile.mapping(self.name, to: "127.0.0.5", in: "127.0.0.5 a\n127.0.0.6 b\n")
                == "127.0.0.5        a events.e2b.local\n127.0.0.6 b\n")
        #expect(
            try HostsFile.mapping(self.name, to: "127.0.0.5", in: "127.0.0.5 a # not this\n")
                == "127.0.0.5 a # not this\n127.0.0.5        events.e2b.local\n")
    }

    @Test func `the families have addresses of their own`() throws {
        #expect(
            try HostsFile.mapping(self.name, to: "2001:db8::1", in: "127.0.0.5 events.e2b.local\n")
                == "127.0.0.5 events.e2b.local\n2001:db8::1      events.e2b.local\n")
    }

    @Test(arguments: ["", "localhost", "127.0.0", "127.0.0.1 x", "::g", "1.2.3.4\n5.6.7.8 y", "fe80::1%eth0"])
    func `what is no address is refused`(_ address: String) {
        #expect(throws: Errno.invalidArgument) { try HostsFile.mapping(self.name, to: address, in: "") }
    }

    @Test func `the file is edited in place`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("hosts")
        try directory.write("127.0.0.1 localhost\n127.0.0.9 events.e2b.local more\n", to: "hosts")
        var before = stat()
        #expect(stat(path, &before) == 0)
        let hosts = HostsFile(path: path)
        let pool = BlockingPool(threads: 1)
        try await hosts.map(self.name, to: "10.0.0.1", on: pool)
        #expect(
            try directory.read("hosts")
                == "127.0.0.1 localhost\n127.0.0.9        more\n10.0.0.1         events.e2b.local\n")
        var after = stat()
        #expect(stat(path, &after) == 0)
        #expect(after.st_ino == before.st_ino)
        await #expect(throws: Errno.invalidArgument) { try await hosts.map(self.name, to: "x", on: pool) }
        await #expect(throws: Errno.noSuchFileOrDirectory) {
            try await HostsFile(path: directory.path("none")).map(self.name, to: "10.0.0.1", on: pool)
        }
        pool.shutDown()
    }
}
