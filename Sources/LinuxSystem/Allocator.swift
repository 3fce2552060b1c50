internal import CLinuxSystem

/// The C library's allocator, which Swift's runtime uses.
package enum Allocator {
    /// Freed bytes that are kept at the end of the heap.
    private static let keptBytes: CInt = 4 << 20
    /// Blocks from this size on have mappings of their own.
    private static let mappedBytes: CInt = 1 << 20

    /// Fits it to a program that moves buffers of a quarter of a mebibyte: by default each of them would be mapped,
    /// faulted in page by page and unmapped again.
    ///
    /// - SeeAlso: mallopt(3).
    package static func fitToLargeBuffers() {
        clinux_tune_allocator(Self.keptBytes, Self.mappedBytes)
    }

    /// Gives free pages back to the system, also those between blocks that are used.
    ///
    /// - SeeAlso: malloc_trim(3).
    package static func returnFreeMemory() {
        clinux_return_free_memory()
    }
}
