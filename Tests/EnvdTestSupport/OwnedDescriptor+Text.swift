package import LinuxSystem
package import SystemPackage

extension OwnedDescriptor {
    /// The first bytes of a file, as text.
    package func readText() throws(Errno) -> String {
        try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer throws(Errno) in
            let count = try self.read(into: buffer)
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    /// Writes all of `text`.
    package func writeText(_ text: String) throws(Errno) {
        var text = text
        let written = text.withUTF8 { utf8 -> Result<Int, Errno> in
            do throws(Errno) {
                return .success(try self.write(UnsafeRawBufferPointer(utf8)))
            } catch {
                return .failure(error)
            }
        }
        guard try written.get() == text.utf8.count else { throw .noSpace }
    }
}
