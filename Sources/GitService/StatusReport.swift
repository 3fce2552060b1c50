import EnvdAPI
import LinuxSystem
import SwiftProtobuf

/// Reads `git status --porcelain=v2 --branch -z`.
///
/// - SeeAlso: git-status(1), "Porcelain Format Version 2".
enum StatusReport {
    /// What is told of a head that is no branch, or is the branch of that name.
    static let detachedHead = "(detached)"

    /// - Returns: nil if `bytes` is something else.
    static func parse(_ bytes: [UInt8]) -> Envd_V1_GitStatusResponse? {
        var status = Envd_V1_GitStatusResponse()
        var hasDistance = false
        var fields = Fields(bytes)
        while let record = fields.next() {
            switch record.first {
            case UInt8(ascii: "#"):
                guard Self.readHeader(record, into: &status, &hasDistance) else { return nil }
            case UInt8(ascii: "1"):
                guard let file = Self.file(record, fields: 8) else { return nil }
                status.fileStatus.append(file)
            case UInt8(ascii: "2"):
                guard var file = Self.file(record, fields: 9), let from = fields.next() else { return nil }
                let origin = MessageText(from)
                file.renamedFrom = origin.text
                file.renamedFromBytes = origin.exact
                status.fileStatus.append(file)
            case UInt8(ascii: "u"):
                guard let file = Self.conflict(record) else { return nil }
                status.fileStatus.append(file)
            case UInt8(ascii: "?"), UInt8(ascii: "!"):
                guard record.count > 2 else { return nil }
                status.fileStatus.append(Self.untracked(record))
            default:
                return nil
            }
        }
        status.upstreamGone = !status.upstream.isEmpty && !hasDistance && !status.commit.isEmpty
        return status
    }

    /// `# branch.oid COMMIT`, `# branch.head NAME`, `# branch.upstream NAME`, `# branch.ab +AHEAD -BEHIND`; others are
    /// skipped.
    private static func readHeader(
        _ record: ArraySlice<UInt8>, into status: inout Envd_V1_GitStatusResponse, _ hasDistance: inout Bool
    ) -> Bool {
        let words = String(decoding: record, as: UTF8.self).parts(between: " ", most: 2, keepsEmpty: true)
        guard words.count == 3 else { return false }
        let value = String(words[2])
        switch words[1] {
        case "branch.oid" where value != "(initial)":
            status.commit = value
        case "branch.head" where value == Self.detachedHead:
            status.detached = true
        case "branch.head":
            status.currentBranch = value
        case "branch.upstream":
            status.upstream = value
        case "branch.ab":
            let counts = value.split(separator: " ")
            guard counts.count == 2, let ahead = UInt32(counts[0].dropFirst()),
                let behind = UInt32(counts[1].dropFirst())
            else { return false }
            hasDistance = true
            status.ahead = ahead
            status.behind = behind
        default:
            break
        }
        return true
    }

    /// Layout: `1 XY SUB MODE_HEAD MODE_INDEX MODE_FILE OBJECT_HEAD OBJECT_INDEX PATH`; of `2`, a letter and the
    /// similarity in percent come before the path.
    private static func file(_ record: ArraySlice<UInt8>, fields count: Int) -> Envd_V1_GitFileStatus? {
        let words = record.split(
            separator: UInt8(ascii: " "), maxSplits: count, omittingEmptySubsequences: false)
        guard words.count == count + 1, words[1].count == 2, words[2].count == 4 else { return nil }
        var file = Self.named(words[count], columns: words[1])
        Self.readSubmodule(words[2], into: &file)
        if count == 9 {
            file.similarity = UInt32(String(decoding: words[8].dropFirst(), as: UTF8.self)) ?? 0
        }
        return file
    }

    /// Layout: `u XY SUB MODE_1 MODE_2 MODE_3 MODE_FILE OBJECT_1 OBJECT_2 OBJECT_3 PATH`.
    private static func conflict(_ record: ArraySlice<UInt8>) -> Envd_V1_GitFileStatus? {
        let words = record.split(
            separator: UInt8(ascii: " "), maxSplits: 10, omittingEmptySubsequences: false)
        guard words.count == 11, words[1].count == 2, words[2].count == 4 else { return nil }
        var file = Self.named(words[10], columns: words[1])
        file.status = .conflict
        Self.readSubmodule(words[2], into: &file)
        for stage in 1...3 {
            let mode = UInt32(String(decoding: words[2 + stage], as: UTF8.self), radix: 8) ?? 0
            guard mode != 0 else { continue }
            file.stages.append(
                .with {
                    $0.stage = UInt32(stage)
                    $0.mode = mode
                    $0.object = String(decoding: words[6 + stage], as: UTF8.self)
                })
        }
        return file
    }

    private static func untracked(_ record: ArraySlice<UInt8>) -> Envd_V1_GitFileStatus {
        let column = record.prefix(1)
        return Self.named(record.dropFirst(2), columns: column + column)
    }

    private static func named(_ path: ArraySlice<UInt8>, columns: ArraySlice<UInt8>)
        -> Envd_V1_GitFileStatus
    {
        let name = MessageText(path)
        // Version 1 of the format, which the columns are of, has a space where version 2 has a dot.
        let letters = columns.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: " ") : $0 }
        return .with {
            $0.name = name.text
            $0.nameBytes = name.exact
            $0.indexStatus = String(decoding: letters.prefix(1), as: UTF8.self)
            $0.workingTreeStatus = String(decoding: letters.dropFirst(), as: UTF8.self)
            $0.staged = letters.first.map { !" ?!".utf8.contains($0) } ?? false
            $0.status = Self.status(letters)
        }
    }

    /// By priority over both columns.
    private static func status(_ columns: [UInt8]) -> Envd_V1_GitFileStatus.Status {
        let priority: [(Character, Envd_V1_GitFileStatus.Status)] = [
            ("U", .conflict), ("R", .renamed), ("C", .copied), ("D", .deleted), ("A", .added),
            ("M", .modified), ("T", .typechange), ("?", .untracked), ("!", .ignored),
        ]
        return priority.first { letter, _ in columns.contains { $0 == letter.asciiValue } }?.1 ?? .unspecified
    }

    /// Layout: `N...`, or `S` and three letters that are `C`, `M` and `U`, or `.`.
    private static func readSubmodule(_ word: ArraySlice<UInt8>, into file: inout Envd_V1_GitFileStatus) {
        guard word.first == UInt8(ascii: "S") else { return }
        file.submodule.commitChanged = word.dropFirst().first == UInt8(ascii: "C")
        file.submodule.modified = word.dropFirst(2).first == UInt8(ascii: "M")
        file.submodule.untracked = word.dropFirst(3).first == UInt8(ascii: "U")
    }
}
