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

    /// Makes `destination`, which is empty, a copy of this file, with holes where this one has them.
    ///
    /// - SeeAlso: lseek(2), `SEEK_DATA`.
    package func copyWithHoles(to destination: borrowing OwnedDescriptor) throws(Errno) {
        let end = lseek(self.rawValue, 0, SEEK_END)
        // Where the file system knows of no holes, the first is at the end.
        let hole = lseek(self.rawValue, 0, Self.seekHole)
        _ = lseek(self.rawValue, 0, SEEK_SET)
        guard hole >= 0, hole < end else {
            try self.copyAll(to: destination)
            return
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 8)
        defer { buffer.deallocate() }
        var offset = 0
        while let data = try self.seek(Self.seekData, from: offset) {
            // The file may become shorter meanwhile.
            offset = try self.seek(Self.seekHole, from: data) ?? data
            try self.copy(data..<offset, to: destination, by: buffer)
            if offset == data { break }
        }
        let size = max(offset, lseek(self.rawValue, 0, SEEK_END))
        _ = try retryingInterrupts { ftruncate(destination.rawValue, size) }
    }

    private static let seekData: CInt = 3
    private static let seekHole: CInt = 4
    /// Bytes that are copied at once.
    private static let pieceBytes = 256 << 10

    /// Where data, or the next hole, begins; nil if the file ends before.
    private func seek(_ what: CInt, from offset: Int) throws(Errno) -> Int? {
        do {
            return try retryingInterrupts { lseek(self.rawValue, offset, what) }
        } catch  where error == .noSuchAddressOrDevice {
            return nil
        }
    }

    private func copy(
        _ range: Range<Int>, to destination: borrowing OwnedDescriptor,
        by buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<min(buffer.count, range.upperBound - offset)])
            let count = try self.read(into: piece, at: offset)
            guard count > 0 else { return }
            var rest = UnsafeRawBufferPointer(rebasing: piece[..<count])
            while !rest.isEmpty {
                let written = try retryingInterrupts {
                    pwrite(destination.rawValue, rest.baseAddress, rest.count, offset)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                offset += written
            }
        }
    }
}
