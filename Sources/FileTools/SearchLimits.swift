import NIOCore

/// What one call may take; where a request asks for less, that counts.
enum SearchLimits {
    /// Time of a visit to the pool's threads, of which others want some too.
    static let slice = TimeAmount.milliseconds(8)
    /// Bytes of text, or of paths, in one message of an answer.
    static let messageBytes = 48 << 10
    /// What is counted for a line or an entry beside its text.
    static let itemBytes = 64

    static let contextLines = 20
    static let matches = 10_000
    static let searchedFiles = 1_000_000
    static let fileBytes = 64 << 20
    static let bytes = 16 << 30
    static let time = TimeAmount.seconds(60)
    /// Of a line that is told.
    static let shownBytes = 16 << 10
    static let shownBytesByDefault = 1 << 10
    static let spans = 32

    static let foundEntries = 1_000_000
    static let foundEntriesByDefault = 10_000
    static let lookedAt = 10_000_000

    /// Text that one call to read lines answers.
    static let textBytes = 4 << 20
    static let textBytesByDefault = 256 << 10

    static let editedBytes = 16 << 20
    static let replacements = 1000

    /// `asked`, if that is not 0 and not above `limit`.
    static func clamp(_ asked: some BinaryInteger, _ limit: Int, byDefault: Int? = nil) -> Int {
        asked == 0 ? byDefault ?? limit : min(Int(clamping: asked), limit)
    }

    /// When a call is over that began now.
    static func end(milliseconds: UInt32) -> NIODeadline {
        .now() + (milliseconds == 0 ? Self.time : min(.milliseconds(Int64(milliseconds)), Self.time))
    }
}
