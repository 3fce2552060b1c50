internal import Glibc
import LinuxSystem
import SystemPackage

/// Reads a file line by line, in bounded memory however long a line is. On threads that may block.
struct LineReader: Sendable {
    struct Line: Sendable {
        /// From 1 on.
        let number: Int
        /// Where it begins in the file.
        let offset: Int
        /// Where its bytes are among ``LineReader/buffer``, until the next line is read: without its end, and at most
        /// ``LineReader/lineLimit``.
        let range: Range<Int>
        /// Whether there is more of it.
        let isCut: Bool
        let hasNewline: Bool
    }

    enum Step: Sendable {
        case line(Line)
        /// There is no line yet; to be called again.
        case busy
        case end
    }

    /// Bytes of a line that are told.
    static let lineLimit = 64 << 10
    private static let readBytes = 128 << 10

    private let file: OpenEntry
    private(set) var buffer: [UInt8] = []
    private var start = 0
    /// Where the next line begins, and its number.
    private(set) var offset: Int
    private(set) var number: Int
    private var isAtEnd = false
    private var isInCutLine = false
    /// Bytes of the last line that were not told, without its end.
    private(set) var skippedBytes = 0
    /// Whether the file has no line feed at its end.
    private(set) var lacksFinalNewline = false
    /// Bytes read.
    private(set) var bytesRead = 0

    /// - Parameters:
    ///   - number: The number of the line that begins at `offset`, where the file is.
    init(_ file: OpenEntry, number: Int = 1, offset: Int = 0) {
        self.file = file
        self.number = number
        self.offset = offset
    }

    /// Reads the beginning of the file, and tells whether it has a NUL.
    mutating func looksBinary() throws(Errno) -> Bool {
        try self.fill()
        return self.buffer[self.start...].contains(0)
    }

    private mutating func fill() throws(Errno) {
        if self.start > 0 {
            self.buffer.removeSubrange(..<self.start)
            self.start = 0
        }
        let piece = try self.file.file.readPiece(upTo: Self.readBytes)
        self.isAtEnd = piece.isEmpty
        self.bytesRead += piece.count
        if self.buffer.isEmpty { self.buffer = piece } else { self.buffer += piece }
    }

    mutating func next() throws(Errno) -> Step {
        let newline = Self.newline(in: self.buffer, from: self.start)
        if self.isInCutLine { return try self.skip(to: newline) }
        let available = (newline ?? self.buffer.count) - self.start
        if newline == nil, !self.isAtEnd, available <= Self.lineLimit {
            try self.fill()
            return .busy
        }
        if newline == nil, available == 0 { return .end }
        let isCut = available > Self.lineLimit
        let range = self.start..<self.start + min(available, Self.lineLimit)
        let line = Line(
            number: self.number, offset: self.offset, range: range, isCut: isCut, hasNewline: newline != nil)
        self.skippedBytes = 0
        if isCut {
            self.isInCutLine = true
            self.start = range.upperBound
            self.offset += range.count
        } else {
            self.endLine(bytes: available, hasNewline: newline != nil)
        }
        return .line(line)
    }

    private mutating func endLine(bytes: Int, hasNewline: Bool) {
        let whole = bytes + (hasNewline ? 1 : 0)
        self.start += whole
        self.offset += whole
        self.number += 1
        self.lacksFinalNewline = !hasNewline
        self.isInCutLine = false
    }

    /// Leaves the rest of a line out.
    private mutating func skip(to newline: Int?) throws(Errno) -> Step {
        let rest = (newline ?? self.buffer.count) - self.start
        self.skippedBytes += rest
        if newline != nil || self.isAtEnd {
            self.endLine(bytes: rest, hasNewline: newline != nil)
        } else {
            self.start += rest
            self.offset += rest
            try self.fill()
        }
        return .busy
    }

    private static func newline(in buffer: [UInt8], from start: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, CInt(UInt8(ascii: "\n")), bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
