import NIOCore

/// Decides how much work compressing a download is worth: as much as the client leaves time for.
///
/// To a client that takes bytes faster than they can be compressed, compressing would only delay them; one behind a
/// slow line gets fewer bytes. Belongs to the event loop.
final class GzipPace {
    /// Bytes of a file that are compressed whatever the pace: the buffers on the way hide it that long.
    static let blindBytes = 1 << 20
    static let fastLevel: Int32 = 1
    static let smallLevel: Int32 = 6

    /// Bytes by which the response is shorter than the file so far. It is never to be longer.
    private var saved: Int
    private var fileBytes = 0
    /// Bytes per nanosecond that each level takes from the file, and that the client takes from the wire.
    private var fastRate: Double?
    private var smallRate: Double?
    private var clientRate: Double?
    /// When the client had last taken everything.
    private var caughtUp = NIODeadline.uptimeNanoseconds(0)

    /// - Parameter saved: Bytes that the start of the response has saved.
    init(saved: Int) {
        self.saved = saved
    }

    /// How to make the next piece.
    var effort: GzipPieces.Effort {
        guard let clientRate, let fastRate, self.fileBytes >= Self.blindBytes else {
            return .compress(Self.fastLevel)
        }
        if clientRate > fastRate {
            return self.saved > Self.storeReserve ? .store : .compress(Self.fastLevel)
        }
        let smallRate = self.smallRate ?? fastRate / 3
        return .compress(clientRate < smallRate ? Self.smallLevel : Self.fastLevel)
    }

    /// Bytes that HTTP/1.1 adds to a piece: the size of the chunk and two line ends.
    private static let chunkBytes = 10
    /// Saved bytes that are kept for what stored pieces and the end cost.
    private static let storeReserve = 1024

    /// A piece has been made.
    func made(_ piece: GzipPieces.Piece, _ effort: GzipPieces.Effort) {
        self.fileBytes += piece.length
        self.saved += piece.length - piece.bytes.readableBytes - Self.chunkBytes
        let rate = Double(piece.length) / Double(max(1, piece.time.nanoseconds))
        switch effort {
        case .store: break
        case .compress(Self.smallLevel): self.smallRate = Self.blend(self.smallRate, rate)
        case .compress: self.fastRate = Self.blend(self.fastRate, rate)
        }
    }

    /// The kernel has taken a piece of `bytes`, the writing of which began at `begun`.
    func sent(_ bytes: Int, _ begun: NIODeadline, now: NIODeadline = .now()) {
        let time = now - max(begun, self.caughtUp)
        self.caughtUp = now
        self.clientRate = Self.blend(self.clientRate, Double(bytes) / Double(max(1, time.nanoseconds)))
    }

    private static func blend(_ old: Double?, _ new: Double) -> Double {
        old.map { ($0 + new) / 2 } ?? new
    }
}
