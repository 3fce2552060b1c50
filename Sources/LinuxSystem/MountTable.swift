package import SystemPackage

/// The places where file systems are mounted, as this process sees them.
package struct MountTable: Sendable {
    /// Where they are mounted; the newest last.
    package let points: [RawPath]

    /// Reads the table of now. Empty where /proc is not mounted.
    ///
    /// - SeeAlso: proc_pid_mountinfo(5).
    package static func current() throws(Errno) -> MountTable {
        let file: OwnedDescriptor
        do {
            file = try OwnedDescriptor.open("/proc/self/mountinfo", .readOnly)
        } catch  where error == .noSuchFileOrDirectory {
            return MountTable(points: [])
        }
        return MountTable(try file.readAll(limit: Self.byteLimit))
    }

    /// Bytes of the table that are read: about a hundred thousand mounts.
    private static let byteLimit = 16 << 20

    private init(points: [RawPath]) {
        self.points = points
    }

    /// Decodes `mountinfo`.
    ///
    /// Layout: a line for each mount, of fields separated by spaces; the fifth is the mount point, with space, tab,
    /// newline and backslash as a backslash and three octal digits.
    package init(_ text: [UInt8]) {
        self.points = text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4 else { return nil }
            return try? RawPath(Self.unescaped(fields[4]))
        }
    }

    /// Those that are below the directory at `path`, an absolute path without links.
    package func below(_ path: RawPath) -> [RawPath] {
        let prefix = path.endsWithSlash ? Array(path.bytes) : path.bytes + [UInt8(ascii: "/")]
        return self.points.filter { $0.bytes.count > prefix.count && $0.bytes.starts(with: prefix) }
    }

    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}
