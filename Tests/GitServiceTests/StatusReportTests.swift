import EnvdAPI
import FoundationEssentials
import Testing

@testable import GitService

@Suite struct StatusReportTests {
    private static let zeros = String(repeating: "0", count: 40)
    private static let object = String(repeating: "a", count: 40)

    private func parse(_ records: [String]) throws -> Envd_V1_GitStatusResponse {
        try #require(StatusReport.parse(Array(records.map { $0 + "\0" }.joined().utf8)))
    }

    private func ordinary(_ columns: String, _ path: String, submodule: String = "N...") -> String {
        "1 \(columns) \(submodule) 100644 100644 100644 \(Self.object) \(Self.object) \(path)"
    }

    @Test func `the head's lines tell branch, upstream and distance`() throws {
        let status = try self.parse([
            "# branch.oid \(Self.object)", "# branch.head feature/ü", "# branch.upstream origin/x",
            "# branch.ab +12 -3", "# stash 2",
        ])
        #expect(status.commit == Self.object)
        #expect(status.currentBranch == "feature/ü")
        #expect(status.upstream == "origin/x")
        #expect((status.ahead, status.behind) == (12, 3))
        #expect(!status.detached && !status.upstreamGone)
        #expect(status.fileStatus.isEmpty)
    }

    @Test func `a detached head, an unborn branch, an upstream that is gone`() throws {
        let marked = try self.parse(["# branch.oid \(Self.object)", "# branch.head \u{301}x"])
        #expect(marked.currentBranch == "\u{301}x")
        let detached = try self.parse(["# branch.oid \(Self.object)", "# branch.head (detached)"])
        #expect(detached.detached && detached.currentBranch.isEmpty)
        let unborn = try self.parse(["# branch.oid (initial)", "# branch.head main", "# branch.upstream o/m"])
        #expect(unborn.commit.isEmpty && unborn.currentBranch == "main" && !unborn.upstreamGone)
        let gone = try self.parse([
            "# branch.oid \(Self.object)", "# branch.head main", "# branch.upstream o/m",
        ])
        #expect(gone.upstreamGone)
    }

    @Test(arguments: [
        ("M.", "M", " ", Envd_V1_GitFileStatus.Status.modified, true),
        (".M", " ", "M", .modified, false), ("MM", "M", "M", .modified, true),
        ("A.", "A", " ", .added, true), ("AD", "A", "D", .deleted, true), (".D", " ", "D", .deleted, false),
        (".T", " ", "T", .typechange, false), ("AM", "A", "M", .added, true),
    ])
    func `columns and what they mean`(
        _ columns: String, _ index: String, _ files: String, _ status: Envd_V1_GitFileStatus.Status,
        _ isStaged: Bool
    ) throws {
        let file = try #require(try self.parse([self.ordinary(columns, "a")]).fileStatus.first)
        #expect(file.indexStatus == index && file.workingTreeStatus == files)
        #expect(file.status == status && file.staged == isStaged)
    }

    @Test(arguments: [" ", " a b ", "new\nline", "1 M. N...", "? x", "tab\t", "\"quoted\"", "-rf", "ünï"])
    func `paths come through as they are`(_ path: String) throws {
        let status = try self.parse([self.ordinary("M.", path), "? \(path)", "! \(path)"])
        #expect(status.fileStatus.map(\.name) == [path, path, path])
        #expect(status.fileStatus.map(\.status) == [.modified, .untracked, .ignored])
        let exact = status.fileStatus.map(\.nameBytes)
        #expect(exact == [Data(), Data(), Data()])
        #expect(status.fileStatus[1].indexStatus == "?" && status.fileStatus[1].workingTreeStatus == "?")
    }

    @Test func `a path that is not UTF-8 has exact bytes`() throws {
        let bytes = Array("? caf".utf8) + [0xE9, 0]
        let file = try #require(StatusReport.parse(bytes)?.fileStatus.first)
        #expect(file.name == "caf\u{FFFD}")
        #expect(file.nameBytes == Data([0x63, 0x61, 0x66, 0xE9]))
    }

    @Test func `renames and copies have an origin and a similarity`() throws {
        let head = "N... 100644 100644 100644 \(Self.object) \(Self.object)"
        let status = try self.parse([
            "2 R. \(head) R87 new name", "old\nname", "2 .C \(head) C100 copy", "1 M. x", "? after",
        ])
        #expect(status.fileStatus.map(\.name) == ["new name", "copy", "after"])
        #expect(status.fileStatus.map(\.renamedFrom) == ["old\nname", "1 M. x", ""])
        #expect(status.fileStatus.map(\.similarity) == [87, 100, 0])
        #expect(status.fileStatus.map(\.status) == [.renamed, .copied, .untracked])
    }

    @Test func `a conflict has the stages that there are`() throws {
        let path = "a b"
        let status = try self.parse([
            "u DU N... 100644 000000 100755 100755 \(Self.object) \(Self.zeros) \(Self.object) \(path)"
        ])
        let file = try #require(status.fileStatus.first)
        #expect(file.status == .conflict && file.name == path)
        #expect((file.indexStatus, file.workingTreeStatus) == ("D", "U"))
        #expect(file.stages.map(\.stage) == [1, 3])
        #expect(file.stages.map(\.mode) == [0o100644, 0o100755])
        #expect(file.stages.map(\.object) == [Self.object, Self.object])
    }

    @Test func `the state of a submodule`() throws {
        for (word, expected) in [
            ("SC..", (true, false, false)), ("S.M.", (false, true, false)), ("SCMU", (true, true, true)),
        ] {
            let file = try #require(
                try self.parse([self.ordinary(".M", "sub", submodule: word)]).fileStatus.first)
            #expect(file.hasSubmodule)
            #expect(
                (file.submodule.commitChanged, file.submodule.modified, file.submodule.untracked) == expected)
        }
        #expect(try self.parse([self.ordinary(".M", "a")]).fileStatus.first?.hasSubmodule == false)
    }

    @Test func `what is no status is refused`() {
        for text in [
            "x", "1 M.", "1 M. N... 1 2 3 4", "2 R. N... 1 1 1 a b R1 x\0", "u UU x", "# branch.ab x", "? ",
        ] {
            #expect(StatusReport.parse(Array(text.utf8)) == nil, "\(text)")
        }
        #expect(StatusReport.parse([]) == Envd_V1_GitStatusResponse())
    }
}
