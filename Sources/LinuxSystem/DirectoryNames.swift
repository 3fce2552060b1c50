internal import Glibc
package import SystemPackage

/// The names in a directory, for places where names are text.
package enum DirectoryNames {
    private static let bytesAtOnce = 16 << 10

    /// All names but `.` and `..`, in no order; what is not UTF-8 in them is repaired.
    package static func read(_ path: String) throws(Errno) -> [String] {
        let directory = try OwnedDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
        var names: [String] = []
        try withUnsafeTemporaryAllocation(byteCount: Self.bytesAtOnce, alignment: 8) { buffer throws(Errno) in
            while true {
                let count = try directory.readDirectory(into: buffer)
                if count == 0 { return }
                for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    names.append(String(decoding: entry.name, as: UTF8.self))
                }
            }
        }
        return names
    }
}
