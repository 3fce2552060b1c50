/// What one archive may take.
enum ArchiveLimits {
    /// Entries of an archive that is unpacked.
    static let entries = 2_000_000
    /// Directories of which permissions and times are set at the end.
    static let directories = 100_000
    /// Names of a path.
    static let names = 256
    /// Bytes of an archive that was compressed.
    static let inflatedBytes = 64 << 30
    /// Bytes that are decompressed at a time, and compressed ones that are.
    static let inflatedPieceBytes = 128 << 10
    static let deflatedPieceBytes = 16 << 10
    /// zlib's level for archives that are read.
    static let level: Int32 = 1
}
