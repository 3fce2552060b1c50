import Connect
import EnvdAPI
import LinuxSystem
import NIOCore
import SwiftProtobuf
import SystemPackage

/// Some lines of a file that are being read, in short visits to threads that may block.
struct LineRange: Sendable {
    private let first: Int
    private let last: Int
    private let maxBytes: Int
    private let maxLineBytes: Int
    private let countsLines: Bool
    private var reader: LineReader
    private var response = Envd_V1_ReadLinesResponse()
    private var bytes = 0
    private var isFull = false

    init(_ request: Envd_V1_ReadLinesRequest, _ file: OpenEntry) throws(ToolFailure) {
        let start = request.hasStart ? request.start : .with { $0.line = 1 }
        let first = max(request.from, start.line, 1)
        guard start.line >= 1, request.to == 0 || request.to >= first,
            let offset = Int64(exactly: start.offset),
            first <= UInt64(Int32.max)
        else {
            throw ToolFailure(.invalidArgument, "there are no lines from \(first) to \(request.to)")
        }
        self.first = Int(first)
        self.last = request.to == 0 ? .max : Int(clamping: request.to)
        self.maxBytes = SearchLimits.clamp(
            request.maxBytes, SearchLimits.textBytes, byDefault: SearchLimits.textBytesByDefault)
        self.maxLineBytes = SearchLimits.clamp(request.maxLineBytes, LineReader.lineLimit)
        self.countsLines = request.countLines
        if offset > 0 {
            guard offset <= file.status.size else {
                throw ToolFailure(.outOfRange, "the file has only \(file.status.size) bytes")
            }
            try trying("cannot read '\(request.path)'") { () throws(Errno) in
                try file.file.setPosition(offset)
            }
        }
        self.reader = LineReader(file, number: Int(clamping: start.line), offset: Int(offset))
        self.response.version = Envd_V1_FileVersion(file.status)
    }

    /// Goes on for a while.
    ///
    /// - Returns: the answer, when it is complete.
    mutating func advance() throws(Errno) -> Envd_V1_ReadLinesResponse? {
        let pause = NIODeadline.now() + SearchLimits.slice
        while NIODeadline.now() < pause {
            for _ in 0..<Self.linesPerLook {
                if try self.step() { return self.response }
            }
        }
        return nil
    }

    /// Lines between looks at the clock.
    private static let linesPerLook = 64

    /// - Returns: whether the answer is complete.
    private mutating func step() throws(Errno) -> Bool {
        // Where a line was cut, its rest is counted before anything else.
        let step = try self.reader.next()
        if self.reader.skippedBytes > 0, !self.isFull { self.countSkipped() }
        switch step {
        case .busy:
            return false
        case .end:
            self.response.totalLines = UInt64(self.reader.number - 1)
            self.response.lacksFinalNewline = self.reader.lacksFinalNewline
            return true
        case .line(let line):
            guard line.number >= self.first, !self.isFull else { return false }
            let length = min(line.range.count, self.maxLineBytes)
            let isLeftOut =
                line.number > self.last || !self.response.lines.isEmpty && self.bytes + length > self.maxBytes
            guard !isLeftOut else {
                self.isFull = true
                self.response.next = .with {
                    $0.line = UInt64(line.number)
                    $0.offset = UInt64(line.offset)
                }
                return !self.countsLines
            }
            self.tell(line)
            return false
        }
    }

    private mutating func tell(_ line: LineReader.Line) {
        var bytes = self.reader.buffer[line.range]
        // The end of a line of DOS is no text.
        if !line.isCut, line.hasNewline, bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        var text = bytes.prefix(min(self.maxLineBytes, self.maxBytes))
        // A character is told whole or not at all.
        /// Bytes of a character that follow its first.
        let longest = 3
        if text.count < bytes.count || line.isCut {
            let end = text.suffix(longest + 1).lastIndex { $0 & 0xC0 != 0x80 }
            if let end, text[end] >= 0x80, text.endIndex - end < Self.characterBytes(text[end]) {
                text = text[..<end]
            }
        }
        let cut = bytes.count - text.count
        self.bytes += text.count
        self.response.lines.append(
            .with {
                $0.number = UInt64(line.number)
                $0.text = String(decoding: text, as: UTF8.self)
                $0.cutBytes = UInt64(cut)
            })
        self.cutInBuffer = cut
    }

    /// Bytes of the last line that were read and not told.
    private var cutInBuffer = 0

    private mutating func countSkipped() {
        guard let index = self.response.lines.indices.last,
            self.response.lines[index].number == UInt64(self.reader.number)
                || self.response.lines[index].number + 1 == UInt64(self.reader.number)
        else { return }
        self.response.lines[index].cutBytes = UInt64(self.cutInBuffer + self.reader.skippedBytes)
    }

    /// How many bytes a character has that begins with `byte`.
    private static func characterBytes(_ byte: UInt8) -> Int {
        byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
    }
}
