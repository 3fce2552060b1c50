import LinuxSystem
import NIOCore
import SandboxContext
import SystemPackage

/// Makes a tar archive of a directory, which goes on in short visits to threads that may block.
struct ArchivePacker: Sendable {
    /// A file that is being written into the archive.
    private struct Current: Sendable {
        let file: OpenEntry
        let path: String
        /// Bytes that are still to come, whatever becomes of the file.
        var rest: Int64
    }

    /// Bytes that one visit makes at most, and that are read at a time.
    private static let pieceBytes = 128 << 10
    private static let readBytes = 64 << 10

    private var walk: TreeWalk
    private var current: Current?
    private var isOver = false

    init(_ walk: TreeWalk) {
        self.walk = walk
    }

    /// Goes on for a while.
    ///
    /// - Returns: the next bytes of the archive, which may be none; nil after the last ones.
    /// - Throws: ``ToolFailure`` for what cannot be read: an archive that lacks it would not tell.
    mutating func advance() throws(ToolFailure) -> ByteBuffer? {
        guard !self.isOver else { return nil }
        var output = ByteBuffer()
        let pause = NIODeadline.now() + SearchLimits.slice
        while output.readableBytes < Self.pieceBytes, !self.isOver, NIODeadline.now() < pause {
            if self.current != nil {
                try self.writeContent(into: &output)
            } else {
                try self.walkOn(into: &output)
            }
        }
        return output
    }

    private mutating func walkOn(into output: inout ByteBuffer) throws(ToolFailure) {
        let step = self.walk.next()
        guard self.walk.unreadable == 0 else {
            throw ToolFailure("cannot read all that is in the directory", .permissionDenied)
        }
        switch step {
        case .busy: break
        case .end:
            TarHeader.writeEnd(into: &output)
            self.isOver = true
        case .entry(let entry): try self.begin(entry, into: &output)
        }
    }

    private mutating func begin(_ entry: TreeWalk.Entry, into output: inout ByteBuffer) throws(ToolFailure) {
        let path = String(decoding: entry.path, as: UTF8.self)
        let operation = "cannot read '\(path)'"
        let status = entry.status
        var header = TarEntry(
            path: entry.path, kind: .file, mode: status.mode & 0o7777, uid: status.uid, gid: status.gid,
            modified: status.modifiedSeconds)
        switch status.kind {
        case .directory:
            header.kind = .directory
            header.path.append(UInt8(ascii: "/"))
        case .symbolicLink:
            header.kind = .symbolicLink
            let target = try trying(operation) { () throws(Errno) in try self.walk.linkTarget(of: entry) }
            guard let target else { return }
            header.target = Array(target.bytes)
        case .fifo:
            header.kind = .fifo
        case .regular:
            let file = try trying(operation) { () throws(Errno) in try self.walk.open(entry) }
            guard let file else { return }
            header.size = file.status.size
            self.current = Current(file: file, path: path, rest: file.status.size)
        case .blockDevice, .characterDevice, .socket, .unknown:
            return
        }
        TarHeader.write(header, into: &output)
    }

    private mutating func writeContent(into output: inout ByteBuffer) throws(ToolFailure) {
        guard var current = self.current.take() else { return }
        guard current.rest > 0 else {
            output.writeRepeatingByte(0, count: TarHeader.padding(after: current.file.status.size))
            return
        }
        let limit = Int(min(current.rest, Int64(Self.readBytes)))
        let piece = try trying("cannot read '\(current.path)'") { () throws(Errno) in
            try current.file.file.readPiece(upTo: limit)
        }
        if piece.isEmpty {
            // It has become shorter: what the header has promised are zeros.
            output.writeRepeatingByte(0, count: limit)
            current.rest -= Int64(limit)
        } else {
            output.writeBytes(piece)
            current.rest -= Int64(piece.count)
        }
        self.current = current
    }
}
