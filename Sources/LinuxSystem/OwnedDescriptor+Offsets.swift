internal import Glibc
package import SystemPackage

extension OwnedDescriptor {
    /// Reads at most `buffer.count` bytes from `offset`, wherever the file is. 0 is the end of the file.
    ///
    /// - SeeAlso: pread(2).
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(Errno) -> Int {
        try retryingInterrupts { pread(self.rawValue, buffer.baseAddress, buffer.count, offset) }
    }

    /// Tells the kernel which bytes will be read soon, so that it fetches them.
    ///
    /// - SeeAlso: posix_fadvise(2), `POSIX_FADV_WILLNEED`.
    package func willNeed(_ range: Range<Int>) {
        _ = posix_fadvise(self.rawValue, range.lowerBound, range.count, POSIX_FADV_WILLNEED)
    }
}
