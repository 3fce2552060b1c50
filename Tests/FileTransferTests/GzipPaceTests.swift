import NIOCore
import Testing

@testable import FileTransfer

@Suite struct GzipPaceTests {
    private static let pieceBytes = 256 << 10

    /// A pace after `pieces` pieces that became `wireBytes` each, were made in `made` and taken by the client in `taken`.
    private func pace(
        _ pieces: Int, wireBytes: Int, made: TimeAmount, taken: TimeAmount, saved: Int = 10_000
    ) -> GzipPace {
        let pace = GzipPace(saved: saved)
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        for _ in 0..<pieces {
            let piece = GzipPieces.Piece(
                bytes: ByteBuffer(repeating: 0, count: wireBytes), length: Self.pieceBytes, time: made)
            pace.made(piece, .compress(GzipPace.fastLevel))
            let begun = now
            now = now + taken
            pace.sent(wireBytes, begun, now: now)
        }
        return pace
    }

    @Test func `at first everything is compressed fast`() {
        #expect(GzipPace(saved: 10_000).effort == .compress(GzipPace.fastLevel))
        let pace = self.pace(3, wireBytes: 50_000, made: .milliseconds(2), taken: .microseconds(10))
        #expect(pace.effort == .compress(GzipPace.fastLevel))
    }

    @Test func `a client that is faster than compressing gets stored pieces`() {
        let pace = self.pace(4, wireBytes: 50_000, made: .milliseconds(2), taken: .microseconds(10))
        #expect(pace.effort == .store)
    }

    @Test func `a client that is slower than compressing gets compressed pieces`() {
        let pace = self.pace(4, wireBytes: 50_000, made: .milliseconds(2), taken: .milliseconds(1))
        #expect(pace.effort == .compress(GzipPace.fastLevel))
    }

    @Test func `a slow client gets as few bytes as possible`() {
        let pace = self.pace(4, wireBytes: 50_000, made: .milliseconds(2), taken: .milliseconds(100))
        #expect(pace.effort == .compress(GzipPace.smallLevel))
    }

    @Test func `nothing is stored that would make the response longer than the file`() {
        let pace = self.pace(
            4, wireBytes: Self.pieceBytes, made: .milliseconds(2), taken: .microseconds(10), saved: 500)
        #expect(pace.effort == .compress(GzipPace.fastLevel))
    }
}
