import EnvdAPI
import LinuxSystem
import NIOCore
import SandboxContext
import SwiftProtobuf
import SystemPackage

/// A search under way, which goes on in short visits to threads that may block.
struct FileSearch: Sendable {
    /// What is searched for, and how much is told of it.
    struct Query: Sendable {
        var matcher: PatternMatcher
        var spans: SpanFinder
        var contextBefore: Int
        var contextAfter: Int
        var shownBytes: Int
        var maxMatches: Int
        var maxMatchesPerFile: Int
        var maxFiles: Int
        var maxFileBytes: Int
        var maxBytes: Int
        var end: NIODeadline
    }

    /// The file that is being read.
    private struct Current: Sendable {
        var reader: LineReader
        var answer: Envd_V1_SearchFile
        /// Lines that may turn out to be context.
        var before: [Envd_V1_SearchLine] = []
        /// How many lines are still to be told as context.
        var after = 0
        var matches = 0
        /// Bytes of the reader that have been counted.
        var counted = 0
    }

    private var query: Query
    private let root: String
    private var walk: TreeWalk?
    private var current: Current?
    private var response = Envd_V1_SearchResponse()
    private var responseBytes = 0
    private var summary = Envd_V1_SearchEnd()
    private var isOver = false

    /// Lines between looks at the clock.
    private static let linesPerLook = 64

    /// A search below a directory.
    ///
    /// - Parameter root: The directory's path.
    init(_ query: Query, below walk: TreeWalk, root: String) {
        self.query = query
        self.walk = walk
        self.root = root.utf8.last == UInt8(ascii: "/") ? root : root + "/"
    }

    /// A search in one file.
    init(_ query: Query, in file: OpenEntry, path: String) {
        self.query = query
        self.root = path
        self.begin(file, path: path)
    }

    /// Goes on for a while.
    ///
    /// - Returns: what was found, and whether that is all.
    mutating func advance() -> (response: Envd_V1_SearchResponse, isLast: Bool) {
        let pause = min(.now() + SearchLimits.slice, self.query.end)
        while !self.isOver, self.responseBytes < SearchLimits.messageBytes {
            if NIODeadline.now() >= pause {
                if pause == self.query.end { self.stop(.time) }
                break
            }
            if self.current != nil { self.readLines() } else { self.walkOn() }
        }
        if !self.isOver { self.flushCurrent() }
        var response = self.response
        self.response = Envd_V1_SearchResponse()
        self.responseBytes = 0
        if self.isOver {
            if let walk { self.summary.unreadable += UInt64(walk.unreadable) }
            response.end = self.summary
        }
        return (response, self.isOver)
    }

    private mutating func stop(_ limit: Envd_V1_Limit) {
        self.finishFile()
        self.summary.limit = limit
        self.isOver = true
    }

    // MARK: Files

    private mutating func walkOn() {
        guard var walk = self.walk.take() else {
            self.isOver = true
            return
        }
        let step = walk.next()
        self.walk = walk
        switch step {
        case .busy: break
        case .end: self.isOver = true
        case .entry(let entry):
            guard entry.status.kind == .regular else { return }
            guard self.summary.files < self.query.maxFiles else { return self.stop(.files) }
            guard entry.status.size <= self.query.maxFileBytes else {
                self.summary.largeFiles += 1
                return
            }
            do throws(Errno) {
                guard let file = try walk.open(entry) else { return }
                self.begin(file, path: self.root + String(decoding: entry.path, as: UTF8.self))
            } catch {
                self.summary.unreadable += 1
            }
        }
    }

    private mutating func begin(_ file: OpenEntry, path: String) {
        guard file.status.size <= self.query.maxFileBytes else {
            self.summary.largeFiles += 1
            return
        }
        var reader = LineReader(file)
        do throws(Errno) {
            guard try !reader.looksBinary() else {
                self.summary.binaryFiles += 1
                return
            }
        } catch {
            self.summary.unreadable += 1
            return
        }
        self.summary.files += 1
        self.current = Current(reader: reader, answer: .with { $0.path = path })
    }

    /// Puts what was found in the file so far into the answer.
    private mutating func flushCurrent() {
        guard var current = self.current.take() else { return }
        if !current.answer.lines.isEmpty {
            self.response.files.append(current.answer)
            current.answer.lines = []
        }
        self.current = current
    }

    private mutating func finishFile() {
        self.flushCurrent()
        if let current, current.matches > 0 { self.summary.matchingFiles += 1 }
        self.current = nil
    }

    // MARK: Lines

    private mutating func readLines() {
        guard var current = self.current.take() else { return }
        var isAtEnd = false
        for _ in 0..<Self.linesPerLook where !isAtEnd {
            do throws(Errno) {
                switch try current.reader.next() {
                case .busy: break
                case .end: isAtEnd = true
                case .line(let line): isAtEnd = !self.look(at: line, &current)
                }
            } catch {
                self.summary.unreadable += 1
                isAtEnd = true
            }
            self.summary.bytes += UInt64(current.reader.bytesRead - current.counted)
            current.counted = current.reader.bytesRead
            // Files of the kernel have a size that says nothing.
            if current.counted > self.query.maxFileBytes { isAtEnd = true }
            if self.responseBytes >= SearchLimits.messageBytes { break }
        }
        self.current = current
        if self.summary.matches >= self.query.maxMatches, current.after == 0 || isAtEnd {
            self.stop(.matches)
        } else if self.summary.bytes > self.query.maxBytes {
            self.stop(.bytes)
        } else if isAtEnd {
            self.finishFile()
        }
    }

    /// - Returns: whether the file is to be read on.
    private mutating func look(at line: LineReader.Line, _ current: inout Current) -> Bool {
        let mayMatch =
            current.matches < self.query.maxMatchesPerFile && self.summary.matches < self.query.maxMatches
        guard mayMatch, let spans = self.match(line, current.reader) else {
            guard current.after > 0 || self.query.contextBefore > 0 else { return mayMatch }
            let context = self.shown(line, [], current.reader)
            if current.after > 0 {
                current.after -= 1
                self.tell(context, &current)
                return mayMatch || current.after > 0
            }
            current.before.append(context)
            if current.before.count > self.query.contextBefore { current.before.removeFirst() }
            return mayMatch
        }
        for context in current.before { self.tell(context, &current) }
        current.before = []
        self.tell(self.shown(line, spans, current.reader), &current)
        current.matches += 1
        current.after = self.query.contextAfter
        self.summary.matches += 1
        let isLast =
            current.matches >= self.query.maxMatchesPerFile || self.summary.matches >= self.query.maxMatches
        return !isLast || current.after > 0
    }

    /// Where a line matches; nil if it does not.
    ///
    /// A byte order mark is before its beginning, and a carriage return behind it may be text or its end.
    private mutating func match(_ line: LineReader.Line, _ reader: LineReader) -> [Range<Int>]? {
        reader.buffer.withUnsafeBytes { buffer in
            let next = line.isCut ? buffer[line.range.upperBound] : nil
            let whole = UnsafeRawBufferPointer(rebasing: buffer[line.range])
            let isMarked = line.offset == 0 && whole.starts(with: Self.byteOrderMark)
            let begin = isMarked ? Self.byteOrderMark.count : 0
            let withReturn = UnsafeRawBufferPointer(rebasing: whole[begin...])
            let carriageReturn = UInt8(ascii: "\r")
            let hasReturn = !line.isCut && withReturn.last == carriageReturn
            let text = hasReturn ? UnsafeRawBufferPointer(rebasing: withReturn.dropLast()) : withReturn
            guard self.query.matcher.matches(text, or: hasReturn ? carriageReturn : nil, before: next) else {
                return nil
            }
            var spans = self.query.spans.spans(in: text, before: next, limit: SearchLimits.spans)
            if spans.isEmpty { spans = self.query.spans.spans(in: withReturn, limit: SearchLimits.spans) }
            return begin == 0 ? spans : spans.map { $0.lowerBound + begin..<$0.upperBound + begin }
        }
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private mutating func tell(_ line: Envd_V1_SearchLine, _ current: inout Current) {
        self.responseBytes += line.text.utf8.count + SearchLimits.itemBytes
        current.answer.lines.append(line)
    }

    /// A line as it is told: what is around its first match, if that is far to the right.
    private func shown(
        _ line: LineReader.Line, _ spans: [Range<Int>], _ reader: LineReader
    ) -> Envd_V1_SearchLine {
        let bytes = reader.buffer[line.range]
        let limit = self.query.shownBytes
        var from = 0
        if let first = spans.first, first.upperBound > limit {
            from = Self.characterStart(in: bytes, at: max(0, first.lowerBound - limit / 4))
        }
        var to = min(from + limit, bytes.count)
        if to < bytes.count { to = max(from, Self.characterStart(in: bytes, at: to)) }
        var text = bytes.dropFirst(from).prefix(to - from)
        let isWhole = to == bytes.count && !line.isCut
        if isWhole, text.last == UInt8(ascii: "\r") { text.removeLast() }
        return .with {
            $0.number = UInt64(line.number)
            $0.text = String(decoding: text, as: UTF8.self)
            $0.textOffset = UInt32(from)
            $0.cut = !isWhole
            $0.matches = spans.map { span in
                .with {
                    $0.column = UInt32(span.lowerBound + 1)
                    $0.length = UInt32(span.count)
                }
            }
        }
    }

    /// The beginning of the character that has the byte at `index`.
    private static func characterStart(in bytes: ArraySlice<UInt8>, at index: Int) -> Int {
        var index = index
        /// Bytes of a character that follow its first.
        let longest = 3
        for _ in 0..<longest where index > 0 && bytes[bytes.startIndex + index] & 0xC0 == 0x80 { index -= 1 }
        return index
    }
}
