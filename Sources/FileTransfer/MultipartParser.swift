internal import Glibc
import NIOCore

/// Takes a multipart body apart as it comes, without holding more of a part than it was given.
///
/// Content goes out in slices of what came in. What a delimiter is, and what is an error, is as in the reference.
///
/// - SeeAlso: RFC 2046, section 5.1.1; RFC 7578.
struct MultipartParser {
    enum Event: Equatable {
        /// A part begins.
        case part(MultipartHeaders)
        case content(ByteBuffer)
        case partEnd
        /// The closing delimiter has come.
        case end
    }

    enum Problem: Error, Equatable {
        /// The body ends where a delimiter should come.
        case endsBetweenParts
        /// The body ends inside a part.
        case endsInsidePart
        case lineTooLong
        case headersTooLong
        case malformedHeader(String)
        case unexpectedLine(String)

        /// What the reference says.
        var text: String {
            switch self {
            case .endsBetweenParts: "multipart: NextPart: EOF"
            case .endsInsidePart: "unexpected EOF"
            case .lineTooLong: "multipart: NextPart: bufio: buffer full"
            case .headersTooLong: "multipart: message too large"
            case .malformedHeader(let line): "malformed MIME header line: \(line)"
            case .unexpectedLine(let line): "multipart: expecting a new Part; got line \"\(line)\""
            }
        }
    }

    /// Bytes of a line between parts at most.
    static let lineLimit = 4096
    /// Bytes of a part's headers at most.
    static let headerLimit = 64 << 10

    private enum State {
        case betweenParts
        case headers
        case content(isAtStart: Bool)
        case ended
    }

    private var state = State.betweenParts
    private var isFirst = true
    /// The line end behind the last part has come.
    private var expectsDelimiter = false
    /// What has come and has not been understood yet.
    private var buffer = ByteBuffer()
    private var isComplete = false
    private let dashBoundary: [UInt8]
    /// The line end before delimiters: that of the first one.
    private var lineEnd: [UInt8] = [0x0D, 0x0A]
    private var delimiter: [UInt8]

    init(boundary: [UInt8]) {
        self.dashBoundary = Array("--".utf8) + boundary
        self.delimiter = [0x0D, 0x0A] + self.dashBoundary
    }

    /// Takes the next bytes of the body, when ``next()`` has nothing more to say.
    mutating func feed(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            var bytes = bytes
            self.buffer.writeBuffer(&bytes)
        }
    }

    /// Takes notice that there are no more bytes.
    mutating func finish() {
        self.isComplete = true
    }

    /// What comes next; nil if that takes more bytes.
    mutating func next() throws(Problem) -> Event? {
        while true {
            switch self.state {
            case .betweenParts:
                guard try self.takeLine() else { return nil }
            case .headers:
                guard let headers = try self.takeHeaders() else { return nil }
                self.state = .content(isAtStart: true)
                return .part(headers)
            case .content(let isAtStart):
                return try self.takeContent(isAtStart)
            case .ended:
                self.buffer.clear()
                return .end
            }
        }
    }

    // MARK: Between parts

    /// Takes a line; false if it has not come yet.
    private mutating func takeLine() throws(Problem) -> Bool {
        let view = self.buffer.readableBytesView
        guard let end = view.firstIndex(of: 0x0A) else {
            guard view.count <= Self.lineLimit else { throw .lineTooLong }
            guard self.isComplete else { return false }
            guard self.isClosing(view[...]) else { throw .endsBetweenParts }
            self.state = .ended
            return true
        }
        let line = view[...end]
        guard line.count <= Self.lineLimit else { throw .lineTooLong }
        defer { self.buffer.moveReaderIndex(forwardBy: line.count) }
        if self.isDelimiter(line) {
            self.isFirst = false
            self.expectsDelimiter = false
            self.state = .headers
        } else if self.isClosing(line) {
            self.state = .ended
        } else if self.isFirst {
            // The preamble.
        } else if !self.expectsDelimiter, line.elementsEqual(self.lineEnd) {
            self.expectsDelimiter = true
        } else {
            throw .unexpectedLine(String(decoding: line, as: UTF8.self))
        }
        return true
    }

    private mutating func isDelimiter(_ line: ByteBufferView) -> Bool {
        guard line.starts(with: self.dashBoundary) else { return false }
        let rest = line.dropFirst(self.dashBoundary.count).drop { $0 == 0x20 || $0 == 0x09 }
        if self.isFirst, rest.elementsEqual([0x0A]) {
            self.lineEnd = [0x0A]
            self.delimiter = [0x0A] + self.dashBoundary
        }
        return rest.elementsEqual(self.lineEnd)
    }

    private func isClosing(_ line: ByteBufferView) -> Bool {
        guard line.starts(with: self.dashBoundary) else { return false }
        let rest = line.dropFirst(self.dashBoundary.count)
        guard rest.starts(with: [0x2D, 0x2D]) else { return false }
        let end = rest.dropFirst(2).drop { $0 == 0x20 || $0 == 0x09 }
        return end.isEmpty || end.elementsEqual(self.lineEnd)
    }

    // MARK: Headers

    /// Takes a part's headers up to the empty line behind them; nil if they have not all come yet.
    private mutating func takeHeaders() throws(Problem) -> MultipartHeaders? {
        let view = self.buffer.readableBytesView
        var start = view.startIndex
        while let end = view[start...].firstIndex(of: 0x0A) {
            guard end - view.startIndex <= Self.headerLimit else { throw .headersTooLong }
            let line = view[start..<end]
            start = end + 1
            if line.isEmpty || line.elementsEqual([0x0D]) {
                let headers = try MultipartHeaders(view[..<end])
                self.buffer.moveReaderIndex(forwardBy: start - view.startIndex)
                return headers
            }
        }
        guard view.count <= Self.headerLimit else { throw .headersTooLong }
        if self.isComplete { throw .endsInsidePart }
        return nil
    }

    // MARK: Content

    private mutating func takeContent(_ isAtStart: Bool) throws(Problem) -> Event? {
        switch self.buffer.withUnsafeReadableBytes({ self.contentLength(in: $0, isAtStart) }) {
        case .content(0) where !self.isComplete:
            return nil
        case .content(0):
            throw .endsInsidePart
        case .content(let length):
            self.state = .content(isAtStart: false)
            return self.buffer.readSlice(length: length).map { .content($0) }
        case .delimiter:
            self.state = .betweenParts
            return .partEnd
        }
    }

    private enum Found {
        /// This many bytes are content.
        case content(Int)
        /// The next byte belongs to a delimiter.
        case delimiter
    }

    private func contentLength(in bytes: UnsafeRawBufferPointer, _ isAtStart: Bool) -> Found {
        if isAtStart {
            switch self.match(bytes, 0, self.dashBoundary) {
            case .yes: return .delimiter
            case .unknown: return .content(0)
            case .no: break
            }
        }
        let lineEnd = CInt(self.delimiter[0])
        var start = 0
        while start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, lineEnd, bytes.count - start)
        {
            let place = UnsafeRawPointer(found) - base
            switch self.match(bytes, place, self.delimiter) {
            case .yes: return place == 0 ? .delimiter : .content(place)
            case .unknown: return .content(place)
            case .no: start = place + 1
            }
        }
        return .content(bytes.count)
    }

    private enum Match {
        case yes, no
        /// More bytes have to tell.
        case unknown
    }

    /// Whether `prefix`, and what may stand behind a boundary, is at `place`.
    private func match(_ bytes: UnsafeRawBufferPointer, _ place: Int, _ prefix: [UInt8]) -> Match {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[place...])
        let isPrefix = prefix.withUnsafeBytes { prefix in
            guard let other = rest.baseAddress, let own = prefix.baseAddress else { return true }
            return memcmp(other, own, min(rest.count, prefix.count)) == 0
        }
        guard isPrefix else { return .no }
        guard rest.count >= prefix.count else { return self.isComplete ? .no : .unknown }
        guard rest.count > prefix.count else { return self.isComplete ? .yes : .unknown }
        switch rest[prefix.count] {
        case 0x20, 0x09, 0x0D, 0x0A:
            return .yes
        case 0x2D:
            guard rest.count > prefix.count + 1 else { return self.isComplete ? .no : .unknown }
            return rest[prefix.count + 1] == 0x2D ? .yes : .no
        default:
            return .no
        }
    }
}
