/// One entry of a tar archive.
///
/// - SeeAlso: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format".
struct TarEntry: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case file = 0x30
        case hardLink = 0x31
        case symbolicLink = 0x32
        case directory = 0x35
        case fifo = 0x36
    }

    var path: [UInt8]
    var kind: Kind
    /// Permission bits.
    var mode: UInt32 = 0o644
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    /// In bytes; only of a file.
    var size: Int64 = 0
    /// Seconds since the epoch.
    var modified: Int64 = 0
    /// Where a link leads; of a hard link the path of another entry.
    var target: [UInt8] = []
}
