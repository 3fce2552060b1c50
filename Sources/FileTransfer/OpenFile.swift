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

    /// Whether it is made when it is read, so that its size says nothing and the kernel may not send it by itself:
    /// proc, sysfs, debugfs, tracefs, securityfs, cgroup and cgroup2; linux/magic.h.
    var isVirtual: Bool {
        guard let type = (try? self.descriptor.fileSystemStatus())?.type else { return false }
        return Self.virtual.contains(type)
    }

    private static let virtual: Set<Int64> = [
        0x9FA0, 0x6265_6572, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0x0027_E0EB, 0x6367_7270,
    ]

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
