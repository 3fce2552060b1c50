import EnvdAPI
import LinuxSystem
import SwiftProtobuf

/// Reads `git log -z` of whole commits.
enum CommitList {
    /// For `--format`: twelve fields, none of which can have NUL in it.
    static let format =
        "--format=tformat:%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%D%x00%s%x00%B"

    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitCommit] {
        var commits: [Envd_V1_GitCommit] = []
        var fields = Fields(bytes)
        while let identifier = fields.nextText(), !identifier.isEmpty {
            guard let tree = fields.nextText(), let parents = fields.nextText(),
                let author = Self.signature(&fields), let committer = Self.signature(&fields),
                let references = fields.nextText(), let subject = fields.nextText(),
                let message = fields.nextText()
            else { break }
            commits.append(
                .with {
                    $0.commit = identifier
                    $0.tree = tree
                    $0.parents = parents.split(separator: " ").map(String.init)
                    $0.author = author
                    $0.committer = committer
                    $0.references = Self.references(references)
                    $0.subject = subject
                    $0.message = message
                })
        }
        return commits
    }

    private static func signature(_ fields: inout Fields) -> Envd_V1_GitSignature? {
        guard let name = fields.nextText(), let email = fields.nextText(), let time = fields.nextText()
        else { return nil }
        return .with {
            $0.name = name
            $0.email = email
            $0.seconds = Int64(time) ?? 0
        }
    }

    /// Layout: `HEAD -> main, tag: v1, origin/main`; a name has no space in it.
    private static func references(_ text: String) -> [String] {
        // A name has no space in it: the words between are `->` and `tag:`, which belongs to the next.
        var references: [String] = []
        var isTag = false
        for word in text.parts(between: " ") where word != "->" {
            let name = word.ends(with: ",") ? Substring(word.utf8.dropLast()) : word
            if name == "tag:" {
                isTag = true
            } else {
                references.append((isTag ? "tag: " : "") + name)
                isTag = false
            }
        }
        return references
    }
}
