import NIOCore
import Synchronization
import SystemPackage

/// Reads a file piece by piece, on threads that may block.
final class PieceReader: Sendable {
    private let file: OpenFile
    /// What is left; nil if it is everything to the file's end, from where the file is.
    private let rest: Mutex<Range<Int>?>
    private let pieceBytes: Int

    init(_ file: OpenFile, range: Range<Int>?, pieceBytes: Int) {
        self.file = file
        self.rest = Mutex(range)
        self.pieceBytes = pieceBytes
    }

    /// The next bytes, or nil at the end.
    ///
    /// - Throws: `Errno`: `ioError` if the file ends before the range.
    func next() throws(Errno) -> ByteBuffer? {
        var piece = ByteBuffer()
        guard let rest = self.rest.withLock({ $0 }) else {
            return try self.file.readOn(upTo: self.pieceBytes, into: &piece) > 0 ? piece : nil
        }
        guard !rest.isEmpty else { return nil }
        let count = try self.file.read(rest.prefix(self.pieceBytes), into: &piece)
        guard count > 0 else { throw .ioError }
        self.rest.withLock { $0 = rest.lowerBound + count..<rest.upperBound }
        return piece
    }
}

extension Range<Int> {
    fileprivate func prefix(_ count: Int) -> Range<Int> {
        self.lowerBound..<Swift.min(self.upperBound, self.lowerBound + count)
    }
}
