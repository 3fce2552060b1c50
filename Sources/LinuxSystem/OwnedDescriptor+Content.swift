import Glibc
package import SystemPackage

extension OwnedDescriptor {
    /// Writes all of `bytes`.
    ///
    /// - SeeAlso: write(2).
    package func writeAll(_ bytes: [UInt8]) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try retryingInterrupts {
                rest.withUnsafeBytes { Glibc.write(self.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes `bytes` the content of the file, in place: it is never empty in between.
    ///
    /// - SeeAlso: lseek(2), ftruncate(2).
    package func replaceContent(_ bytes: [UInt8]) throws(Errno) {
        guard lseek(self.rawValue, 0, SEEK_SET) == 0 else { throw Errno.current }
        try self.writeAll(bytes)
        _ = try retryingInterrupts { ftruncate(self.rawValue, bytes.count) }
    }
}
