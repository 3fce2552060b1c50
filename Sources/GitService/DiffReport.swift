import EnvdAPI
import SwiftProtobuf

/// Reads `git diff --raw --numstat --patch -z`.
///
/// Layout: a raw entry for each file, then a line of counts for each, then NUL and the patch, in the same order. A file
/// has neither counts nor a section of the patch if only its times have changed, or all its changes are to be ignored.
///
/// - SeeAlso: git-diff(1), "RAW OUTPUT FORMAT"; git-diff's `--numstat` and `-z`.
enum DiffReport {
    /// How names are quoted in the heads of a patch's sections; and that the index is not written by the way, with its
    /// lock.
    static let settings = ["core.quotePath=true", "diff.autoRefreshIndex=false"]

    /// What the form of the output must not depend on settings of.
    static let options = [
        "--no-color", "--no-relative", "--no-ext-diff", "--no-textconv", "--submodule=short",
        "--src-prefix=a/",
        "--dst-prefix=b/", "--full-index", "--no-abbrev", "--find-renames", "--raw", "--numstat", "-z",
    ]

    /// - Returns: nil if `bytes` is something else.
    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitFileDiff]? {
        var fields = Fields(bytes)
        var files: [Envd_V1_GitFileDiff] = []
        while fields.first == UInt8(ascii: ":") {
            guard let file = Self.rawEntry(&fields) else { return nil }
            files.append(file)
        }
        for index in files.indices {
            guard let first = fields.first, first != 0 else { break }
            Self.readCounts(&fields, into: &files[index])
        }
        guard fields.isAtEnd || fields.first == 0 else { return nil }
        fields.skip(0)
        var patch = PatchReader(fields.remainder)
        for index in files.indices { Self.readPatch(&patch, into: &files[index]) }
        guard patch.isAtEnd else { return nil }
        return files.filter { !Self.isUnchanged($0) }
    }

    /// Of a submodule that has changes of its own, git counts none.
    private static let submoduleMode: UInt32 = 0o160000

    /// Whether nothing of a file differs, or nothing that counts.
    private static func isUnchanged(_ file: Envd_V1_GitFileDiff) -> Bool {
        file.change == .modified && file.oldMode == file.newMode && !file.binary && file.hunks.isEmpty
            && file.additions == 0 && file.deletions == 0 && file.oldMode != Self.submoduleMode
    }

    /// Layout: `:MODE MODE OBJECT OBJECT LETTER[SIMILARITY]`, NUL, the path, NUL, and of copies and renames the new path
    /// and NUL.
    private static func rawEntry(_ fields: inout Fields) -> Envd_V1_GitFileDiff? {
        guard let entry = fields.nextText(), let path = fields.next() else { return nil }
        let words = entry.dropFirst().split(separator: " ")
        guard words.count == 5, let letter = words[4].first else { return nil }
        var file = Envd_V1_GitFileDiff()
        file.oldMode = UInt32(words[0], radix: 8) ?? 0
        file.newMode = UInt32(words[1], radix: 8) ?? 0
        file.oldObject = String(words[2])
        file.newObject = String(words[3])
        file.similarity = UInt32(words[4].dropFirst()) ?? 0
        file.path = Envd_V1_GitPath(path)
        switch letter {
        case "A": file.change = .added
        case "D": file.change = .deleted
        case "M": file.change = .modified
        case "T": file.change = .typechange
        case "U": file.change = .unmerged
        case "C", "R":
            guard let newPath = fields.next() else { return nil }
            file.change = letter == "C" ? .copied : .renamed
            file.oldPath = file.path
            file.path = Envd_V1_GitPath(newPath)
        default: break
        }
        return file
    }

    /// Reads the counts if the next ones are of `file`.
    ///
    /// Layout: `ADDED`, tab, `DELETED`, tab, the path, NUL; of renames nothing for the path, NUL, the old path, NUL, the
    /// new path, NUL. Of binary files both counts are `-`.
    private static func readCounts(_ fields: inout Fields, into file: inout Envd_V1_GitFileDiff) {
        var ahead = fields
        guard let record = ahead.next() else { return }
        let words = record.split(
            separator: UInt8(ascii: "\t"), maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3 else { return }
        let path = words[2].isEmpty ? ahead.next() : nil
        let isRename = file.hasOldPath && path?.elementsEqual(file.oldPath.exact) == true
        guard (isRename ? ahead.next() : words[2])?.elementsEqual(file.path.exact) == true else { return }
        fields = ahead
        file.binary = words[0].first == UInt8(ascii: "-")
        file.additions = UInt32(String(decoding: words[0], as: UTF8.self)) ?? 0
        file.deletions = UInt32(String(decoding: words[1], as: UTF8.self)) ?? 0
    }

    /// Reads the sections of the patch that are of `file`.
    private static func readPatch(_ patch: inout PatchReader, into file: inout Envd_V1_GitFileDiff) {
        let path = file.path.exact
        guard file.change != .unmerged else {
            patch.skipUnmerged(path)
            return
        }
        let head = PatchReader.head(from: file.hasOldPath ? file.oldPath.exact : path, to: path)
        // Of another type: the old file is deleted, and the new one made.
        for _ in 0..<(file.change == .typechange ? 2 : 1) {
            guard let section = patch.next(head) else { return }
            file.hunks += section.hunks
            file.binary = file.binary || section.isBinary
        }
    }
}
