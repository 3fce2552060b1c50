import EnvdAPI
import LinuxSystem
import SwiftProtobuf

/// Reads `git for-each-ref` of branches.
enum BranchList {
    /// Names may have any byte but NUL and what check-ref-format(1) forbids; no field has a newline.
    static let format =
        "--format=%(refname)%00%(objectname)%00%(HEAD)%00%(upstream:short)%00%(upstream:track,nobracket)%00%(symref)%00%(contents:subject)%00"

    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitBranch] {
        var branches: [Envd_V1_GitBranch] = []
        var fields = Fields(bytes)
        while !fields.isAtEnd {
            fields.skip(UInt8(ascii: "\n"))
            guard let reference = fields.nextText(), let commit = fields.nextText(),
                let head = fields.nextText(), let upstream = fields.nextText(),
                let distance = fields.nextText(), let target = fields.nextText(),
                let subject = fields.nextText()
            else { break }
            // `origin/HEAD` only says which branch of the remote is its default.
            guard target.isEmpty else { continue }
            var branch = Envd_V1_GitBranch()
            branch.remote = reference.without(prefix: "refs/remotes/") != nil
            branch.name = Self.shortName(reference)
            branch.commit = commit
            branch.current = head == "*"
            branch.upstream = upstream
            branch.upstreamGone = distance == "gone"
            for part in distance.split(separator: ", ") {
                if part.hasPrefix("ahead ") { branch.ahead = UInt32(part.dropFirst(6)) ?? 0 }
                if part.hasPrefix("behind ") { branch.behind = UInt32(part.dropFirst(7)) ?? 0 }
            }
            branch.subject = subject
            branches.append(branch)
        }
        return branches
    }

    private static func shortName(_ reference: String) -> String {
        let name = reference.without(prefix: "refs/heads/") ?? reference.without(prefix: "refs/remotes/")
        return name.map(String.init) ?? reference
    }
}
