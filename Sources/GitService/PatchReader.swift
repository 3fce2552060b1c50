import EnvdAPI
import SwiftProtobuf

/// Reads a patch file by file. Who reads knows the names: those in the patch can be taken apart in several ways.
struct PatchReader {
    /// What a patch has of one file.
    struct Section {
        var isBinary = false
        var hunks: [Envd_V1_GitHunk] = []
    }

    private var lines: ArraySlice<ArraySlice<UInt8>>

    init(_ patch: ArraySlice<UInt8>) {
        self.lines = patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        // What is behind the last newline.
        if self.lines.last?.isEmpty == true { self.lines.removeLast() }
    }

    /// Whether nothing is left.
    var isAtEnd: Bool { self.lines.isEmpty }

    /// The line that begins a file's section.
    static func head(from old: [UInt8], to new: [UInt8]) -> [UInt8] {
        Array("diff --git ".utf8) + self.quoted("a/", old) + [UInt8(ascii: " ")] + self.quoted("b/", new)
    }

    /// A name as a patch has it: as it is, or if there is one of some bytes in it, in quotes and with escapes.
    ///
    /// - SeeAlso: git-config(1), `core.quotePath`, which must be true.
    private static func quoted(_ prefix: String, _ path: [UInt8]) -> [UInt8] {
        var escaped = Array(prefix.utf8)
        for byte in path {
            if let letter = self.letters[byte] {
                escaped += [UInt8(ascii: "\\"), letter]
            } else if byte < 0x20 || byte >= 0x7F {
                escaped.append(UInt8(ascii: "\\"))
                escaped += [byte >> 6, byte >> 3 & 7, byte & 7].map { UInt8(ascii: "0") + $0 }
            } else {
                escaped.append(byte)
            }
        }
        guard escaped.count > prefix.utf8.count + path.count else { return escaped }
        return [UInt8(ascii: "\"")] + escaped + [UInt8(ascii: "\"")]
    }

    /// Bytes that have an escape of their own, as in C.
    private static let letters: [UInt8: UInt8] = Dictionary(
        uniqueKeysWithValues: zip([7, 8, 9, 10, 11, 12, 13, 0x22, 0x5C], "abtnvfr\"\\".utf8))

    /// The section that begins with `head`; nil if the next one is another one.
    mutating func next(_ head: [UInt8]) -> Section? {
        guard let line = self.lines.first, line.elementsEqual(head) else { return nil }
        self.lines.removeFirst()
        var section = Section()
        while let line = self.lines.first, !Self.beginsFile(line) {
            self.lines.removeFirst()
            if line.starts(with: "@@ ".utf8) {
                if let hunk = self.hunk(line) { section.hunks.append(hunk) }
            } else if line.starts(with: "Binary files ".utf8) || line.starts(with: "GIT binary".utf8) {
                section.isBinary = true
            }
        }
        return section
    }

    /// Skips what is told of a file with conflicts, if that is next.
    ///
    /// Layout: `* Unmerged path PATH`. The path is never quoted: an end of line in it is one.
    mutating func skipUnmerged(_ path: [UInt8]) {
        let text = (Array("* Unmerged path ".utf8) + path)
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard self.lines.count >= text.count, zip(self.lines, text).allSatisfy({ $0.elementsEqual($1) })
        else { return }
        self.lines.removeFirst(text.count)
    }

    /// A line of a hunk never begins so: it has its mark in front.
    private static func beginsFile(_ line: ArraySlice<UInt8>) -> Bool {
        line.starts(with: "diff --".utf8) || line.starts(with: "* Unmerged path ".utf8)
    }

    /// Reads as many lines as the hunk's head says that it has.
    ///
    /// Layout: `@@ -START[,LINES] +START[,LINES] @@[ SECTION]`; without a number of lines it is 1.
    private mutating func hunk(_ head: ArraySlice<UInt8>) -> Envd_V1_GitHunk? {
        let words = head.split(separator: UInt8(ascii: " "), maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count >= 4, let old = Self.range(words[1]), let new = Self.range(words[2]) else {
            return nil
        }
        var hunk = Envd_V1_GitHunk()
        (hunk.oldStart, hunk.oldLines) = old
        (hunk.newStart, hunk.newLines) = new
        if words.count == 5 { hunk.section = String(decoding: words[4], as: UTF8.self) }
        var (oldLeft, newLeft) = (old.lines, new.lines)
        while oldLeft > 0 || newLeft > 0, let line = self.lines.popFirst() {
            switch line.first {
            case UInt8(ascii: "+") where newLeft > 0:
                newLeft -= 1
                hunk.lines.append(Envd_V1_GitLine(.added, line.dropFirst()))
            case UInt8(ascii: "-") where oldLeft > 0:
                oldLeft -= 1
                hunk.lines.append(Envd_V1_GitLine(.deleted, line.dropFirst()))
            case UInt8(ascii: "\\"):
                Self.markEnd(&hunk)
            default:
                // Of an empty line the space may be missing.
                guard oldLeft > 0, newLeft > 0 else { return nil }
                (oldLeft, newLeft) = (oldLeft - 1, newLeft - 1)
                hunk.lines.append(Envd_V1_GitLine(.context, line.dropFirst()))
            }
        }
        if self.lines.first?.first == UInt8(ascii: "\\") {
            self.lines.removeFirst()
            Self.markEnd(&hunk)
        }
        return hunk
    }

    private static func markEnd(_ hunk: inout Envd_V1_GitHunk) {
        guard !hunk.lines.isEmpty else { return }
        hunk.lines[hunk.lines.count - 1].noNewline = true
    }

    private static func range(_ word: ArraySlice<UInt8>) -> (start: UInt32, lines: UInt32)? {
        let numbers = String(decoding: word.dropFirst(), as: UTF8.self).split(separator: ",")
        guard let start = numbers.first.flatMap({ UInt32($0) }) else { return nil }
        guard numbers.count == 2 else { return (start, 1) }
        return UInt32(numbers[1]).map { (start, $0) }
    }
}

extension Envd_V1_GitLine {
    fileprivate init(_ kind: Kind, _ bytes: ArraySlice<UInt8>) {
        self.init()
        self.kind = kind
        let text = MessageText(bytes)
        self.text = text.text
        self.textBytes = text.exact
    }
}
