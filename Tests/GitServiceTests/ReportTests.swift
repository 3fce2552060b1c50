import EnvdAPI
import FoundationEssentials
import Testing

@testable import GitService

/// The other forms that git answers in.
@Suite struct ReportTests {
    private func bytes(_ fields: [String]) -> [UInt8] { Array(fields.map { $0 + "\0" }.joined().utf8) }

    @Test func `branches`() {
        let list = self.bytes([
            "refs/heads/main", "c1", "*", "origin/main", "ahead 2, behind 13", "", "first: ü",
            "\nrefs/heads/feature/x", "c2", " ", "origin/x", "gone", "", "",
            "\nrefs/remotes/origin/HEAD", "c1", " ", "", "", "refs/remotes/origin/main", "s",
            "\nrefs/remotes/origin/main", "c3", " ", "", "", "", "s",
        ])
        let branches = BranchList.parse(list + [10])
        #expect(branches.map(\.name) == ["main", "feature/x", "origin/main"])
        #expect(branches.map(\.current) == [true, false, false])
        #expect(branches.map(\.remote) == [false, false, true])
        #expect((branches[0].ahead, branches[0].behind) == (2, 13))
        #expect(branches[1].upstreamGone && branches[1].upstream == "origin/x")
        #expect(branches[0].subject == "first: ü" && branches[2].commit == "c3")
        #expect(BranchList.parse([]).isEmpty)
        #expect(BranchList.parse(self.bytes(["refs/heads/cut", "c"])).isEmpty)
    }

    @Test func `commits`() {
        let one = [
            "c1", "t1", "p1 p2", "Ann", "a@b", "12", "Bob", "b@c", "-5",
            "HEAD -> main, tag: v1,x, origin/main", "subject", "subject\n\nbody \u{1}\n",
        ]
        let commits = CommitList.parse(
            self.bytes(one + ["c2", "t2", "", "", "", "x", "", "", "", "", "", ""]))
        #expect(commits.map(\.commit) == ["c1", "c2"])
        #expect(commits[0].parents == ["p1", "p2"] && commits[1].parents.isEmpty)
        #expect(commits[0].author.seconds == 12 && commits[0].committer.seconds == -5)
        #expect(commits[0].references == ["HEAD", "main", "tag: v1,x", "origin/main"])
        #expect(commits[0].message == "subject\n\nbody \u{1}\n" && commits[1].message.isEmpty)
        var marked = one
        marked[9] = "HEAD -> \u{301}x, tag: \u{301}v, \u{301}y"
        #expect(
            CommitList.parse(self.bytes(marked))[0].references
                == ["HEAD", "\u{301}x", "tag: \u{301}v", "\u{301}y"])
        #expect(CommitList.parse(self.bytes(["c1", "t1"])).isEmpty)
    }

    @Test func `tags, stashes, references, conflicts`() {
        let tags = TagList.parse(
            self.bytes([
                "refs/tags/v1", "tag", "o", "c", "s", "Ann", "<a@b>", "12",
                "\nrefs/tags/x/y", "commit", "c2", "", "", "", "", "",
            ]) + [10])
        #expect(tags.map(\.name) == ["v1", "x/y"] && tags.map(\.commit) == ["c", "c2"])
        #expect(
            tags[0].tagger.email == "a@b" && tags[0].annotated && !tags[1].annotated && !tags[1].hasTagger)
        let stashes = StashEntries.parse(self.bytes(["c1", "12", "WIP: \n", "c2", "x", ""]))
        #expect(stashes.map(\.index) == [0, 1] && stashes.map(\.seconds) == [12, 0])
        let before = ReferenceList.parse(
            self.bytes(["refs/a", "1", "", "\nrefs/b", "2", "", "\nrefs/s", "2", "refs/b"]))
        #expect(before == ["refs/a": "1", "refs/b": "2"])
        let changes = ReferenceList.changes(from: before, to: ["refs/a": "3", "refs/c": "4"])
        #expect(changes.map(\.name) == ["refs/a", "refs/b", "refs/c"])
        #expect(changes.map(\.commitBefore) == ["1", "2", ""] && changes.map(\.commit) == ["3", "", "4"])
        let unmerged = self.bytes(["100644 a 1\tx\ty", "100644 b 2\tx\ty", "100644 c 2\tz\n", "junk"])
        #expect(UnmergedFiles.parse(unmerged) == [Array("x\ty".utf8), Array("z\n".utf8)])
    }

    @Test func `pushes`() {
        let report = """
            To http://host/x
            *\trefs/heads/a:refs/heads/a\t[new branch]
             \trefs/heads/b:refs/heads/b\t1..2
            +\trefs/heads/c:refs/heads/c\t1...2 (forced update)
            -\t:refs/heads/d\t[deleted]
            =\trefs/heads/e:refs/heads/e\t[up to date]
            !\trefs/heads/f:refs/heads/f\t[rejected] (fetch first)
            branch 'a' set up to track 'origin/a'.
            Done
            """
        let references = PushReport.parse(Array(report.utf8))
        #expect(
            references.map(\.update) == [.created, .fastForward, .forced, .deleted, .none, .rejected])
        #expect(references[3].from.isEmpty && references[3].to == "refs/heads/d")
        #expect(references[5].summary == "[rejected] (fetch first)")
    }

    @Test func `versions`() throws {
        #expect(GitVersion("git version 2.39.5") == GitVersion(major: 2, minor: 39))
        #expect(GitVersion("git version 2.28.rc1 (x)") == GitVersion(major: 2, minor: 28))
        #expect(GitVersion("git version 10.0") ?? .oldest > .oldest)
        #expect(GitVersion(major: 2, minor: 27) < .oldest)
        for text in ["", "git version", "git version x.y", "git version 2", "2.39"] {
            #expect(GitVersion(text) == nil)
        }
    }

    @Test func `a diff's raw entries, counts and patch`() throws {
        let zeros = String(repeating: "0", count: 7)
        let head = self.bytes([
            ":100644 100644 aaaaaaa \(zeros) M", "a", ":100644 100644 bbbbbbb bbbbbbb R087", "old\nname",
            "new \"name",
            ":120000 100644 ccccccc \(zeros) T", "type", ":000000 100644 \(zeros) ddddddd A", "bin",
            "2\t1\ta", "0\t0\t", "old\nname", "new \"name", "1\t1\ttype", "-\t-\tbin",
        ])
        let patch = """
            diff --git a/a b/a
            index aaaaaaa..0000000 100644
            --- a/a
            +++ b/a
            @@ -1,2 +1,3 @@ func x()
             same
            -old
            +diff --git a/z b/z
            +new
            \\ No newline at end of file
            @@ -10 +11,0 @@
            -gone
            diff --git "a/old\\nname" "b/new \\"name"
            similarity index 87%
            diff --git a/type b/type
            deleted file mode 120000
            @@ -1 +0,0 @@
            -x
            \\ No newline at end of file
            diff --git a/type b/type
            new file mode 100644
            @@ -0,0 +1 @@
            +y
            diff --git a/bin b/bin
            Binary files /dev/null and b/bin differ

            """
        let files = try #require(DiffReport.parse(head + [0] + Array(patch.utf8)))
        #expect(files.map(\.path.path) == ["a", "new \"name", "type", "bin"])
        #expect(files.map(\.change) == [.modified, .renamed, .typechange, .added])
        #expect(files[1].oldPath.path == "old\nname" && files[1].similarity == 87)
        #expect(files[0].hunks.map(\.section) == ["func x()", ""])
        #expect(files[0].hunks[0].lines.map(\.text) == ["same", "old", "diff --git a/z b/z", "new"])
        #expect(files[0].hunks[0].lines.map(\.noNewline) == [false, false, false, true])
        #expect(files[0].hunks[1].oldStart == 10 && files[0].hunks[1].newLines == 0)
        #expect(files[2].hunks.flatMap(\.lines).map(\.kind) == [.deleted, .added])
        #expect(files[3].binary && files[3].hunks.isEmpty && !files[0].binary)
        #expect((files[0].additions, files[0].deletions) == (2, 1))
    }

    @Test func `conflicts in paths with an end of line move no hunks`() throws {
        let path = "diff --git a/a b/a\n* Unmerged path a\n"
        let head = self.bytes([
            ":100644 100644 aaaaaaa bbbbbbb U", path, ":100644 100644 aaaaaaa bbbbbbb M", "a",
            "0\t0\t\(path)", "1\t0\ta",
        ])
        let patch = "* Unmerged path \(path)\ndiff --git a/a b/a\n@@ -0,0 +1 @@\n+y\n"
        let files = try #require(DiffReport.parse(head + [0] + Array(patch.utf8)))
        #expect(files.map(\.change) == [.unmerged, .modified])
        #expect(files.map(\.hunks.count) == [0, 1] && files[1].additions == 1)
    }

    @Test func `a file without counts and section leaves those of the next alone`() throws {
        let entries = self.bytes([
            ":100644 100644 aaaaaaa bbbbbbb M", "white", ":100644 100644 aaaaaaa bbbbbbb R090", "x",
            "white\tb",
            ":100644 100644 aaaaaaa bbbbbbb M", "c\u{E9}\n",
        ])
        let counts = self.bytes(["7\t8\tc\u{E9}\n"])
        let patch = "diff --git \"a/c\\303\\251\\n\" \"b/c\\303\\251\\n\"\n@@ -0,0 +1 @@\n+y\n"
        let files = try #require(DiffReport.parse(entries + counts + [0] + Array(patch.utf8)))
        #expect(files.map(\.path.path) == ["white\tb", "c\u{E9}\n"])
        #expect(files.map(\.additions) == [0, 7] && files.map(\.deletions) == [0, 8])
        #expect(files.map(\.hunks.count) == [0, 1])
        let strange = "diff --git a/white b/other\n@@ -0,0 +1 @@\n+y\n"
        #expect(DiffReport.parse(entries + counts + [0] + Array(strange.utf8)) == nil)
    }

    @Test(arguments: [
        ("a b", "a/a b b/a b"), ("ü", #""a/\303\274" "b/\303\274""#),
        ("\u{1}\u{7F}", #""a/\001\177" "b/\001\177""#),
        ("\"\\\t\r", #""a/\"\\\t\r" "b/\"\\\t\r""#), ("", "a/ b/"),
    ])
    func `names are quoted as git does`(_ name: String, _ quoted: String) {
        let head = PatchReader.head(from: Array(name.utf8), to: Array(name.utf8))
        #expect(String(decoding: head, as: UTF8.self) == "diff --git \(quoted)")
    }

    @Test func `a diff without hunks, an empty one, and what is none`() throws {
        let entries = self.bytes([":100644 100755 aaaaaaa aaaaaaa M", "m", "0\t0\tm"])
        let file = try #require(DiffReport.parse(entries)?.first)
        #expect(file.oldMode == 0o100644 && file.newMode == 0o100755 && file.hunks.isEmpty)
        #expect(DiffReport.parse([])?.isEmpty == true)
        for text in [":1 2 3", ":100644 100644 a b R100\0only", ":1 1 a b M\0x\0counts\0"] {
            #expect(DiffReport.parse(Array(text.utf8)) == nil)
        }
    }

    @Test func `a patch that is cut or wrong gives what it has`() {
        for text in [
            "diff --git a/x b/x\n@@ -1,9 +1,9 @@\n a\n", "diff --git a/x b/x\n@@ -x +y @@\n", "@@ -1 +1 @@\n",
            "diff --git a/x b/x\n@@ -1 +1 @@", "diff --git a/x b/x\n\\ No newline\n@@ -4294967296 +1 @@\n+\n",
            "diff --git a/x b/x\n@@ -1 +1,4294967295 @@\n+a\n",
        ] {
            var reader = PatchReader(Array(text.utf8)[...])
            let head = PatchReader.head(from: [0x78], to: [0x78])
            #expect((reader.next(head) != nil) == text.hasPrefix("diff"))
            #expect(reader.next(head) == nil)
        }
    }
}
