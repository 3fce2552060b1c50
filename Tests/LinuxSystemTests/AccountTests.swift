import Glibc
import LinuxSystem
import Testing

/// The account database, against what `id` and `getent` say.
@Suite struct AccountTests {
    @Test func `root is known by name and by ID`() throws {
        let root = try #require(try Account.named("root"))
        #expect(root.uid == 0)
        #expect(root.gid == 0)
        #expect(root.home == "/root")
        #expect(root.groups.first == 0)
        #expect(try Account.withUserID(0) == root)
        #expect(root.credentials == Credentials(uid: 0, gid: 0, groups: root.groups))
    }

    @Test(arguments: ["root", "daemon", "nobody"]) func `an account is what the tools say`(name: String)
        throws
    {
        let account = try #require(try Account.named(name))
        let entry = try FinishedChild.run(SpawnRequest(command: "getent", arguments: ["passwd", name])).output
        let fields = entry.dropLast().split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        #expect(fields.count == 7)
        #expect([account.name, "\(account.uid)", "\(account.gid)"] == [fields[0], fields[2], fields[3]])
        #expect([account.home, account.shell] == [fields[5], fields[6]])
        let groups = try FinishedChild.run(SpawnRequest(command: "id", arguments: ["-G", name])).output
        #expect(account.groups.first == account.gid)
        #expect(
            account.groups.map { "\($0)" }.sorted()
                == groups.split(whereSeparator: \.isWhitespace).map(String.init).sorted())
    }

    @Test(arguments: ["", "no-such-user", "root\0", "root\0x", "root:x", "ro ot", "1000000001"])
    func `a name that is none is not found`(name: String) throws {
        #expect(try Account.named(name) == nil)
    }

    @Test func `an ID that is none is not found`() throws {
        #expect(try Account.withUserID(4_294_967_294) == nil)
    }

    @Test func `a very long name is not found`() throws {
        #expect(try Account.named(String(repeating: "x", count: 100_000)) == nil)
    }
}
