import EnvdAPI
import LinuxSystem
import NIOCore
import SwiftProtobuf

/// A walk that tells entries, which goes on in short visits to threads that may block.
struct FileFind: Sendable {
    struct Query: Sendable {
        var kinds: Set<Envd_V1_EntryKind>
        var sizes: ClosedRange<Int64>?
        var modifiedAfter: Google_Protobuf_Timestamp?
        var modifiedBefore: Google_Protobuf_Timestamp?
        var maxMatches: Int
        var maxFiles: Int
        var end: NIODeadline
    }

    private let query: Query
    private let root: String
    private var walk: TreeWalk
    private var summary = Envd_V1_FindEnd()

    /// - Parameter root: The path of the directory where the walk begins.
    init(_ query: Query, _ walk: TreeWalk, root: String) {
        self.query = query
        self.walk = walk
        self.root = root.utf8.last == UInt8(ascii: "/") ? root : root + "/"
    }

    /// Goes on for a while.
    ///
    /// - Returns: what was found, and whether that is all.
    mutating func advance() -> (response: Envd_V1_FindResponse, isLast: Bool) {
        var response = Envd_V1_FindResponse()
        var bytes = 0
        let pause = min(.now() + SearchLimits.slice, self.query.end)
        var limit = Envd_V1_Limit.unspecified
        var isLast = false
        while !isLast, bytes < SearchLimits.messageBytes {
            if self.walk.seen % Self.entriesPerLook == 0, NIODeadline.now() >= pause {
                if pause == self.query.end { (isLast, limit) = (true, .time) }
                break
            }
            switch self.walk.next() {
            case .busy: break
            case .end: isLast = true
            case .entry(let entry):
                guard self.fits(entry.status) else { break }
                if self.summary.matches >= self.query.maxMatches {
                    (isLast, limit) = (true, .matches)
                    break
                }
                let path = self.root + String(decoding: entry.path, as: UTF8.self)
                response.entries.append(Self.found(entry.status, path))
                bytes += path.utf8.count + SearchLimits.itemBytes
                self.summary.matches += 1
            }
            if !isLast, self.walk.seen > self.query.maxFiles { (isLast, limit) = (true, .files) }
        }
        if isLast {
            self.summary.files = UInt64(self.walk.seen)
            self.summary.unreadable = UInt64(self.walk.unreadable)
            self.summary.limit = limit
            response.end = self.summary
        }
        return (response, isLast)
    }

    /// Entries between looks at the clock.
    private static let entriesPerLook = 16

    private func fits(_ status: FileStatus) -> Bool {
        if !self.query.kinds.isEmpty, !self.query.kinds.contains(Self.kind(status)) { return false }
        if let sizes = self.query.sizes {
            guard status.kind == .regular, sizes.contains(status.size) else { return false }
        }
        let modified = (status.modifiedSeconds, Int32(status.modifiedNanoseconds))
        if let after = self.query.modifiedAfter, modified < (after.seconds, after.nanos) { return false }
        if let before = self.query.modifiedBefore, modified > (before.seconds, before.nanos) { return false }
        return true
    }

    private static func kind(_ status: FileStatus) -> Envd_V1_EntryKind {
        switch status.kind {
        case .regular: .file
        case .directory: .directory
        case .symbolicLink: .symlink
        case .blockDevice, .characterDevice, .fifo, .socket, .unknown: .other
        }
    }

    private static func found(_ status: FileStatus, _ path: String) -> Envd_V1_FoundEntry {
        .with {
            $0.path = path
            $0.kind = Self.kind(status)
            $0.size = UInt64(clamping: status.size)
            $0.modifiedTime = Google_Protobuf_Timestamp(modified: status)
        }
    }
}
