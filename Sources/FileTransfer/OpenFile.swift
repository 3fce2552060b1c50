import LinuxSystem
import NIOCore
import SystemPackage

/// A file that is open for reading, shared by the loop and the threads that read it.
final class OpenFile: Sendable {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// What the file is now.
    func status() throws(Errno) -> FileStatus { try self.descriptor.status() }

    /// Reads on, up to `limit` bytes.
    ///
    /// - Returns: what was read, and whether the file ends there.
    func readStart(upTo limit: Int) throws(Errno) -> (bytes: ByteBuffer, isWhole: Bool) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(limit)
        while bytes.readableBytes < limit {
            guard try self.readOn(upTo: limit - bytes.readableBytes, into: &bytes) > 0 else {
                return (bytes, true)
            }
        }
        return (bytes, false)
    }

    /// Reads once from where the file is.
    ///
    /// - Returns: how many bytes that were; 0 at the end.
    func readOn(upTo limit: Int, into bytes: inout ByteBuffer) throws(Errno) -> Int {
        try bytes.fill(upTo: limit) { buffer throws(Errno) in try self.descriptor.read(into: buffer) }
    }

    /// Reads once from `range`'s beginning.
    ///
    /// - Returns: how many bytes that were; 0 at the file's end.
    func read(_ range: Range<Int>, into bytes: inout ByteBuffer) throws(Errno) -> Int {
        try bytes.fill(upTo: range.count) { buffer throws(Errno) in
            try self.descriptor.read(into: buffer, at: range.lowerBound)
        }
    }

    /// Has the kernel fetch what will be read soon.
    func willNeed(_ range: Range<Int>) { self.descriptor.willNeed(range) }

    /// Calls `body` with a handle that is good until it returns.
    func withHandle<Result>(_ body: (NIOFileHandle) async -> Result) async -> Result {
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: self.descriptor.rawValue)
        let result = await body(handle)
        // The descriptor stays with its owner; the handle must not be left open.
        _ = try? handle.takeDescriptorOwnership()
        return result
    }
}

extension ByteBuffer {
    /// Appends what `read` puts into a buffer of `limit` bytes.
    fileprivate mutating func fill(
        upTo limit: Int, _ read: (UnsafeMutableRawBufferPointer) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        var result = Result<Int, Errno>.success(0)
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: limit) { buffer in
            do throws(Errno) {
                let count = try read(UnsafeMutableRawBufferPointer(rebasing: buffer[..<limit]))
                result = .success(count)
                return count
            } catch {
                result = .failure(error)
                return 0
            }
        }
        return try result.get()
    }
}
