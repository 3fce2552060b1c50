internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// Calls on an open file.
extension OwnedDescriptor {
    /// - Parameter mode: Set-ID, sticky and permission bits.
    /// - SeeAlso: fchmod(2).
    package func setMode(_ mode: UInt32) throws(Errno) {
        _ = try retryingInterrupts { fchmod(self.rawValue, mode) }
    }

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// - SeeAlso: ftruncate(2).
    package func setSize(_ size: Int64) throws(Errno) {
        _ = try retryingInterrupts { ftruncate(self.rawValue, Int(size)) }
    }

    /// Goes on reading and writing at `offset`.
    ///
    /// - SeeAlso: lseek(2).
    package func setPosition(_ offset: Int64) throws(Errno) {
        _ = try retryingInterrupts { lseek(self.rawValue, Int(offset), SEEK_SET) }
    }

    /// Sets when the file was last changed; when it was last read stays.
    ///
    /// - SeeAlso: utimensat(2), "UTIME_OMIT".
    package func setModified(seconds: Int64, nanoseconds: UInt32) throws(Errno) {
        /// `UTIME_OMIT`; linux/stat.h.
        let omit = (1 << 30) - 2
        var times = (
            timespec(tv_sec: 0, tv_nsec: omit), timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        )
        _ = try retryingInterrupts {
            withUnsafePointer(to: &times) {
                $0.withMemoryRebound(to: timespec.self, capacity: 2) { futimens(self.rawValue, $0) }
            }
        }
    }

    /// The file system that the file is on.
    ///
    /// - SeeAlso: fstatfs(2).
    package func fileSystemStatus() throws(Errno) -> FileSystemStatus {
        var status = clinux_file_system_status()
        try Errno.check(clinux_file_system_status(self.rawValue, &status))
        return FileSystemStatus(status)
    }

    /// Copies at most `count` bytes from where both files are, inside the kernel and where possible without moving
    /// them.
    ///
    /// - Returns: how many were copied, 0 at the end of this file.
    /// - SeeAlso: copy_file_range(2).
    package func copy(_ count: Int, to destination: borrowing OwnedDescriptor) throws(Errno) -> Int {
        while true {
            let result = clinux_copy_range(self.rawValue, destination.rawValue, count)
            if result >= 0 { return result }
            let error = Errno(rawValue: CInt(-result))
            guard error == .interrupted else { throw error }
        }
    }

    /// Everything from here to the end of the file.
    ///
    /// - Throws: `Errno`: `fileTooLarge` if that is more than `limit` bytes.
    package func readAll(limit: Int) throws(Errno) -> [UInt8] {
        let chunkBytes = 64 << 10
        var bytes: [UInt8] = []
        while true {
            let count = try withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 1) {
                buffer throws(Errno) in
                let count = try self.read(into: buffer)
                bytes.append(contentsOf: buffer[..<count])
                return count
            }
            guard count > 0 else { return bytes }
            guard bytes.count <= limit else { throw .fileTooLarge }
        }
    }

    /// Appends what is left of this file to `destination`, inside the kernel where both file systems can.
    ///
    /// - Returns: how many bytes that were.
    /// - SeeAlso: copy_file_range(2).
    @discardableResult
    package func copyAll(to destination: borrowing OwnedDescriptor) throws(Errno) -> Int64 {
        let stepBytes = 64 << 20
        var total: Int64 = 0
        do {
            while true {
                let count = try self.copy(stepBytes, to: destination)
                // Files whose size is not told, as those in /proc, end before they begin.
                if count == 0, total > 0 { return total }
                if count == 0 { break }
                total += Int64(count)
            }
        } catch  where Self.needsReading.contains(error) {
        }
        return try total + self.readAndWriteAll(to: destination)
    }

    /// What copy_file_range fails with where it cannot be used.
    private static let needsReading: Set<Errno> = [
        .improperLink, .invalidArgument, .noFunction, .notSupported, .notPermitted,
    ]

    private func readAndWriteAll(to destination: borrowing OwnedDescriptor) throws(Errno) -> Int64 {
        let chunkBytes = 256 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 8)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let count = try self.read(into: buffer)
            guard count > 0 else { return total }
            var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            while !rest.isEmpty {
                rest = UnsafeRawBufferPointer(rebasing: rest[try destination.write(rest)...])
            }
            total += Int64(count)
        }
    }

    /// The path at which the kernel finds the file now; nil if it has none any more, or /proc is not mounted.
    ///
    /// - SeeAlso: proc(5), `/proc/pid/fd`.
    package func currentPath() -> RawPath? {
        guard let path = try? RawPath("/proc/self/fd/\(self.rawValue)"),
            let target = try? self.linkTarget(of: path), target.isAbsolute,
            let status = try? self.status(), status.links > 0
        else { return nil }
        return target
    }
}
