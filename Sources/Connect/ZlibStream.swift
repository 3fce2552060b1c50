internal import CZlib

/// Owns zlib's state of one stream.
struct ZlibStream: ~Copyable {
    let pointer: UnsafeMutablePointer<z_stream>
    private let end: (z_streamp) -> CInt

    /// Nil if zlib has no memory.
    init?(_ initialise: (z_streamp) -> CInt, end: @escaping (z_streamp) -> CInt) {
        self.pointer = .allocate(capacity: 1)
        self.pointer.initialize(to: z_stream())
        self.end = end
        // The end of a stream that was never begun does nothing.
        if initialise(self.pointer) != Z_OK { return nil }
    }

    deinit {
        _ = self.end(self.pointer)
        self.pointer.deallocate()
    }
}

extension UnsafeMutablePointer<z_stream> {
    func setInput(_ bytes: UnsafeRawBufferPointer) {
        // zlib does not write to its input.
        self.pointee.next_in = UnsafeMutablePointer<UInt8>(
            mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        self.pointee.avail_in = UInt32(bytes.count)
    }

    func setOutput(_ bytes: UnsafeMutableRawBufferPointer) {
        self.pointee.next_out = bytes.bindMemory(to: UInt8.self).baseAddress
        self.pointee.avail_out = UInt32(clamping: bytes.count)
    }
}
