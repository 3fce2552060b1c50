internal import Glibc
import SystemPackage

/// The committed forms of the fixtures: a line for each, with the type, the binary form in hexadecimal digits and
/// the JSON.
///
/// With `GOLDENS=write` in the environment, the tests write the file instead of comparing with it.
struct Goldens {
    struct Entry: Equatable {
        var type: String
        var binary: String
        var json: String
    }

    static let isWriting = getenv("GOLDENS").map { String(cString: $0) } == "write"

    private static let file = FilePath("\(#filePath)").removingLastComponent()
        .appending("Goldens").appending("messages.txt")
    private static let fileLimit = 1 << 20

    static func read() throws -> [Entry] {
        let descriptor = try FileDescriptor.open(Self.file, .readOnly)
        let text = try descriptor.closeAfter {
            var bytes = [UInt8](repeating: 0, count: Self.fileLimit)
            let count = try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            return Entry(
                type: String(parts.first ?? ""), binary: String(parts.dropFirst().first ?? ""),
                json: String(parts.dropFirst(2).first ?? ""))
        }
    }

    static func write(_ entries: [Entry]) throws {
        let descriptor = try FileDescriptor.open(
            Self.file, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead])
        try descriptor.closeAfter {
            for entry in entries {
                try descriptor.writeAll("\(entry.type)\t\(entry.binary)\t\(entry.json)\n".utf8)
            }
        }
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
