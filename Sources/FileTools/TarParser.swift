import NIOCore

/// Reads a tar archive that comes in pieces: ustar, pax, and GNU's long names.
///
/// Its memory is bounded by the piece that is fed and ``metadataLimit``.
struct TarParser: Sendable {
    enum Event: Sendable, Equatable {
        case entry(TarEntry)
        /// The next bytes of the last entry, a file.
        case content(ByteBuffer)
        /// The last entry, a file, is complete.
        case contentEnd
        /// More bytes have to be fed.
        case hungry
        /// The archive has ended.
        case end
    }

    /// Why what came is no archive that can be read: a few words for who sent it.
    struct Problem: Error, Equatable {
        let reason: String

        fileprivate init(_ reason: String) {
            self.reason = reason
        }
    }

    /// What stands before an entry that tells more of it.
    private enum Metadata: Sendable, Equatable {
        case extended, longName, longTarget, ignored
    }

    private enum Position: Sendable, Equatable {
        case header
        case metadata(Metadata, size: Int)
        case content(rest: Int64)
        case padding(Int)
        case ended
    }

    /// Bytes of what an archive tells of one entry.
    static let metadataLimit = 64 << 10

    private var input = ByteBuffer()
    private var position = Position.header
    /// What the entries before the next one tell of it.
    private var path: [UInt8]?
    private var target: [UInt8]?
    private var size: Int64?
    private var modified: Int64?
    private var zeroBlocks = 0

    /// Takes the next bytes of the archive.
    mutating func feed(_ bytes: ByteBuffer) {
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            self.input.discardReadBytes()
            self.input.writeImmutableBuffer(bytes)
        }
    }

    mutating func next() throws(Problem) -> Event {
        while true {
            switch self.position {
            case .header:
                guard let block = self.input.readBytes(length: TarHeader.blockBytes) else { return .hungry }
                if let event = try self.read(block) { return event }
            case .metadata(let kind, let size):
                let whole = size + TarHeader.padding(after: Int64(size))
                guard let bytes = self.input.readBytes(length: whole) else { return .hungry }
                try self.take(bytes[..<size], as: kind)
                self.position = .header
            case .content(let rest) where rest > 0:
                let count = Int(min(rest, Int64(self.input.readableBytes)))
                guard count > 0, let piece = self.input.readSlice(length: count) else { return .hungry }
                self.position = .content(rest: rest - Int64(count))
                return .content(piece)
            case .content:
                self.position = .padding(TarHeader.padding(after: self.lastSize))
                return .contentEnd
            case .padding(let count):
                guard self.input.readableBytes >= count else { return .hungry }
                self.input.moveReaderIndex(forwardBy: count)
                self.position = .header
            case .ended:
                self.input.clear()
                return .end
            }
        }
    }

    /// The size of the last entry.
    private var lastSize: Int64 = 0

    // MARK: Headers

    private mutating func read(_ block: [UInt8]) throws(Problem) -> Event? {
        guard block.contains(where: { $0 != 0 }) else {
            self.zeroBlocks += 1
            if self.zeroBlocks == 2 { self.position = .ended }
            return nil
        }
        guard self.zeroBlocks == 0 else { throw Problem("there is something between the blocks of its end") }
        let sum = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
        }
        guard try Self.number(block[148..<156]) == Int64(sum) else { throw Problem("a header is damaged") }
        let told = try Self.number(block[124..<136])
        let size = self.size ?? told
        guard size >= 0 else { throw Problem("an entry has no possible size") }
        switch block[156] {
        case UInt8(ascii: "x"): try self.begin(.extended, size)
        case UInt8(ascii: "g"): try self.begin(.ignored, size)
        case UInt8(ascii: "L"): try self.begin(.longName, size)
        case UInt8(ascii: "K"): try self.begin(.longTarget, size)
        default: return .entry(try self.entry(block, size))
        }
        return nil
    }

    private mutating func begin(_ kind: Metadata, _ size: Int64) throws(Problem) {
        guard size <= Self.metadataLimit else { throw Problem("what it tells of an entry is too long") }
        self.position = .metadata(kind, size: Int(size))
    }

    private mutating func entry(_ block: [UInt8], _ size: Int64) throws(Problem) -> TarEntry {
        var name = Self.text(block[0..<100])
        // GNU's older format has something else where the prefix is.
        if block[257..<263].elementsEqual("ustar\0".utf8) {
            let prefix = Self.text(block[345..<500])
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        let path = self.path ?? name
        let kind: TarEntry.Kind
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            // Before there was a type for them, directories had a slash.
            kind = path.last == UInt8(ascii: "/") ? .directory : .file
        default:
            guard let known = TarEntry.Kind(rawValue: block[156]) else {
                throw Problem("it has an entry of a type that is not supported")
            }
            kind = known
        }
        let modified = try Self.number(block[136..<148])
        let entry = TarEntry(
            path: path, kind: kind,
            mode: UInt32(truncatingIfNeeded: try Self.number(block[100..<108]) & 0o7777),
            uid: UInt32(truncatingIfNeeded: try Self.number(block[108..<116])),
            gid: UInt32(truncatingIfNeeded: try Self.number(block[116..<124])),
            size: kind == .file ? size : 0, modified: self.modified ?? modified,
            target: self.target ?? Self.text(block[157..<257]))
        (self.path, self.target, self.size, self.modified) = (nil, nil, nil, nil)
        self.lastSize = entry.size
        self.position = kind == .file ? .content(rest: entry.size) : .header
        return entry
    }

    /// Bytes up to the first NUL.
    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] {
        Array(field.prefix { $0 != 0 })
    }

    /// Octal digits, or where the first bit is set, a number in binary.
    private static func number(_ field: ArraySlice<UInt8>) throws(Problem) -> Int64 {
        if let first = field.first, first & 0x80 != 0 {
            // In two's complement.
            var value = Int64(first & 0x3F) - (first & 0x40 != 0 ? 0x40 : 0)
            for byte in field.dropFirst() {
                let (shifted, overflows) = value.multipliedReportingOverflow(by: 256)
                guard !overflows else { throw Problem("a number is too large") }
                value = shifted | Int64(byte)
            }
            return value
        }
        let digits = field.drop { $0 == 0x20 || $0 == 0 }.prefix { $0 != 0x20 && $0 != 0 }
        guard !digits.isEmpty else { return 0 }
        guard digits.allSatisfy({ (0x30...0x37).contains($0) }),
            let value = Int64(String(decoding: digits, as: UTF8.self), radix: 8)
        else { throw Problem("a header is damaged") }
        return value
    }

    // MARK: Metadata

    private mutating func take(_ bytes: ArraySlice<UInt8>, as kind: Metadata) throws(Problem) {
        switch kind {
        case .ignored: break
        case .longName: self.path = Self.text(bytes)
        case .longTarget: self.target = Self.text(bytes)
        case .extended: try self.takeRecords(bytes)
        }
    }

    private mutating func takeRecords(_ bytes: ArraySlice<UInt8>) throws(Problem) {
        let damaged = Problem("a header is damaged")
        var rest = bytes
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > 0,
                length <= rest.count
            else { throw damaged }
            let record = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard record.endIndex > space, record.last == UInt8(ascii: "\n"),
                let equals = record[space...].firstIndex(of: UInt8(ascii: "="))
            else { throw damaged }
            let value = record[(equals + 1)...].dropLast()
            switch String(decoding: record[(space + 1)..<equals], as: UTF8.self) {
            case "path": self.path = Array(value)
            case "linkpath": self.target = Array(value)
            case "size":
                guard let size = Int64(String(decoding: value, as: UTF8.self)), size >= 0 else {
                    throw damaged
                }
                self.size = size
            case "mtime":
                let seconds = value.prefix { $0 != UInt8(ascii: ".") }
                self.modified = Int64(String(decoding: seconds, as: UTF8.self))
            case let name where name.hasPrefix("GNU.sparse."):
                throw Problem("it has sparse files, which are not supported")
            default: break
            }
        }
    }
}
