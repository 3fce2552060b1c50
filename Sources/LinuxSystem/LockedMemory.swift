import Glibc
package import SystemPackage

/// A secret's bytes: not written to swap, not in core dumps, and overwritten when their owner ends.
///
/// Where the kernel does not let this process lock memory (`RLIMIT_MEMLOCK`), all but the locking still holds.
///
/// - SeeAlso: mlock(2), madvise(2), `MADV_DONTDUMP`.
package final class LockedMemory: Sendable {
    private let address: UInt
    package let count: Int

    /// Copies `bytes` into pages of their own.
    ///
    /// - Throws: `Errno.noMemory`.
    package init(copying bytes: UnsafeRawBufferPointer) throws(Errno) {
        self.count = bytes.count
        let size = max(1, bytes.count)
        let pages = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let pages, pages != MAP_FAILED else { throw Errno.current }
        _ = mlock(pages, size)
        _ = madvise(pages, size, MADV_DONTDUMP)
        if let source = bytes.baseAddress { pages.copyMemory(from: source, byteCount: bytes.count) }
        self.address = UInt(bitPattern: pages)
    }

    deinit {
        guard let pages = UnsafeMutableRawPointer(bitPattern: self.address) else { return }
        explicit_bzero(pages, self.count)
        _ = munmap(pages, max(1, self.count))
    }

    /// Lends the bytes to `body`, which must leave no copy of them.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: self.address), count: self.count))
    }
}

/// Overwrites `bytes` in a way that is not optimised out.
///
/// - SeeAlso: explicit_bzero(3).
package func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
}
