internal import CLinuxSystem
import Glibc
package import SystemPackage

/// A file in memory, without a name: what a child reads from a descriptor that it inherits, as often as it likes, until
/// the file is cleared.
///
/// Only those who inherit the descriptor can read it: the file may not be opened through `/proc/PID/fd`, but by root.
///
/// - SeeAlso: memfd_create(2).
package final class MemoryFile: Sendable {
    private let descriptor: OwnedDescriptor

    /// A file with `content`.
    package init(_ content: [UInt8]) throws(Errno) {
        let rawValue = clinux_memory_file()
        guard rawValue >= 0 else { throw Errno(rawValue: -rawValue) }
        self.descriptor = OwnedDescriptor(taking: rawValue)
        var rest = content[...]
        while !rest.isEmpty {
            let count = try retryingInterrupts {
                rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The descriptor's number, good while the file lives.
    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// Forgets the content, also for those who have inherited the descriptor.
    package func clear() {
        _ = ftruncate(self.descriptor.rawValue, 0)
    }

    deinit {
        self.clear()
    }

    /// What is in a memory file that this process has inherited; it may be read again.
    ///
    /// - Parameter limit: Bytes that are read at most.
    /// - SeeAlso: pread(2).
    package static func content(ofInherited descriptor: CInt, limit: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try retryingInterrupts {
            bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        }
        return Array(bytes.prefix(count))
    }
}
