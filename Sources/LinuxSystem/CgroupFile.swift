internal import Glibc
package import SystemPackage

/// The interface files of cgroups: short texts.
///
/// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst of the kernel, "Interface Files".
package enum CgroupFile {
    /// Bytes of a file that are read at once: a list of processes has a page for each 700 of them.
    private static let pieceBytes = 16 << 10
    /// Bytes of a file that are read.
    private static let limit = 64 << 20

    /// Writes a file; it is never created.
    ///
    /// - Throws: `Errno`: `noSuchFileOrDirectory` if the cgroup or the controller is not there.
    package static func write(_ value: String, to path: FilePath) throws(Errno) {
        let descriptor = try OwnedDescriptor.open(path, flags: O_WRONLY)
        let bytes = Array(value.utf8)
        let written = bytes.withUnsafeBytes { buffer in
            Glibc.write(descriptor.rawValue, buffer.baseAddress, buffer.count)
        }
        if written < 0 { throw Errno.current }
    }

    /// What a file says.
    package static func read(_ path: FilePath) throws(Errno) -> String {
        let descriptor = try OwnedDescriptor.open(path, flags: O_RDONLY)
        var text: [UInt8] = []
        while text.count < Self.limit {
            let isEnd = try withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 1) {
                buffer throws(Errno) in
                let count = try descriptor.read(into: buffer)
                text += buffer.prefix(count)
                return count == 0
            }
            if isEnd { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What a file says that the kernel makes in one go, as it makes all but lists: with one read, and no second one that
    /// finds the end.
    package static func readOnce(_ path: FilePath) throws(Errno) -> String {
        let descriptor = try OwnedDescriptor.open(path, flags: O_RDONLY)
        return try withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 1) {
            buffer throws(Errno) in
            let count = try descriptor.read(into: buffer)
            return String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }

    /// The number behind `key` in a file of lines `key number`; nil if there is none.
    package static func value(of key: String, in path: FilePath) throws(Errno) -> Int64? {
        for line in try self.readOnce(path).split(separator: "\n") {
            let parts = line.split(whereSeparator: \.isWhitespace)
            if parts.count == 2, parts[0] == key { return Int64(parts[1]) }
        }
        return nil
    }
}
