import Connect
import NIOCore
import SystemPackage

/// Reads a file piece by piece and compresses it, on threads that may block.
final class GzipPieces: Sendable {
    /// How a piece is made smaller.
    enum Effort: Equatable {
        /// Not at all.
        case store
        /// By zlib at this level.
        case compress(Int32)
    }

    struct Piece: Sendable {
        /// As it is sent.
        let bytes: ByteBuffer
        /// Bytes of the file.
        let length: Int
        /// Time that compressing took.
        let time: TimeAmount
    }

    private let reader: PieceReader
    private let member: GzipMember

    init(_ reader: PieceReader, _ member: GzipMember) {
        self.reader = reader
        self.member = member
    }

    /// The next piece, or nil at the end.
    func next(_ effort: Effort) throws(Errno) -> Piece? {
        guard let input = try self.reader.next() else { return nil }
        var output = ByteBuffer()
        let begun = NIODeadline.now()
        switch effort {
        case .store: self.member.store(input, into: &output)
        case .compress(let level): self.member.compress(input, level: level, into: &output)
        }
        return Piece(bytes: output, length: input.readableBytes, time: NIODeadline.now() - begun)
    }
}
