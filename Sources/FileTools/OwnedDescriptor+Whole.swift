import LinuxSystem
import SystemPackage

extension OwnedDescriptor {
    /// Bytes that are read at a time.
    private static var pieceBytes: Int { 64 << 10 }

    /// The rest of the file, or as much of it as `limit` allows.
    func readAll(upTo limit: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let piece = try self.readPiece(upTo: min(Self.pieceBytes, limit - bytes.count))
            if piece.isEmpty { break }
            bytes += piece
        }
        return bytes
    }

    /// The next bytes, at most `count`; none at the end.
    func readPiece(upTo count: Int) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(Errno) {
                filled = try self.read(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
                filled = 0
            }
        }
        if let failure { throw failure }
        return piece
    }

    /// Writes all of `bytes` where the file is.
    func writeAll(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var rest = bytes[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try self.write(UnsafeRawBufferPointer(rebasing: rest)))
        }
    }
}
