import NIOCore

@testable import FileTools

/// Input: the lengths of pieces, and a tar archive in short: a byte for each header's type, and what its fields are to
/// be, without their checksum, which no mutation would get right.
enum ArchiveFuzzing {
    private enum Step: Equatable {
        case entry(TarEntry)
        case content(ByteBuffer)
        case contentEnd
        case hungry
        case end
        case problem(TarParser.Problem)
    }

    static func run(_ input: FuzzInput) throws {
        var input = input
        let lengths = input.lengths().map { $0 * 8 }
        let archive = Self.archive(&input)
        let whole = Self.steps([archive])
        let cut = Self.steps(Self.pieces(of: archive, lengths))
        try expect(whole == cut, "cuts do not change what an archive means: \(whole) and \(cut)")
        for case .entry(let entry) in whole {
            try expect(entry.size >= 0 && entry.mode <= 0o7777, "an entry is possible: \(entry)")
            try expect(entry.kind == .file || entry.size == 0, "only files have content")
            _ = try? ArchivePath(entry.path)
        }
    }

    /// Blocks: a byte says what kind the next one is, others fill its fields.
    private static func archive(_ input: inout FuzzInput) -> ByteBuffer {
        var archive = ByteBuffer()
        while !input.rest.isEmpty {
            switch input.choice() & 3 {
            case 0: archive.writeBytes(Self.header(&input))
            case 1: archive.writeBytes(Self.block(of: input.take(Int(input.choice()))))
            case 2: archive.writeRepeatingByte(0, count: 512)
            default: archive.writeBytes(input.take(Int(input.choice())))
            }
        }
        return archive
    }

    private static func header(_ input: inout FuzzInput) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        block[156] = input.choice(of: Array("0125xgLK76".utf8) + [0])
        if input.choice() & 1 == 0 { block.replaceSubrange(257..<263, with: "ustar\0".utf8) }
        // Offsets of the name, the mode, the size, the time, the link's target and the prefix.
        for offset in [0, 100, 124, 136, 157, 345] {
            let bytes = input.take(Int(input.choice() & 15))
            block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
        let isWhole = input.choice() & 15 != 15
        let sum = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
        }
        let digits = Array(String(isWhole ? sum : sum + 1, radix: 8).utf8)
        block.replaceSubrange(148..<(148 + digits.count), with: digits)
        return block
    }

    private static func block(of bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: 512 - bytes.count)
    }

    private static func pieces(of archive: ByteBuffer, _ lengths: [Int]) -> [ByteBuffer] {
        var rest = archive
        return lengths.compactMap { rest.readSlice(length: min($0, rest.readableBytes)) } + [rest]
    }

    /// What comes out; content that follows content is one.
    private static func steps(_ pieces: [ByteBuffer]) -> [Step] {
        var parser = TarParser()
        var rest = pieces[...]
        var steps: [Step] = []
        do throws(TarParser.Problem) {
            while true {
                switch try parser.next() {
                case .hungry:
                    guard let piece = rest.popFirst() else { return steps + [.hungry] }
                    parser.feed(piece)
                case .entry(let entry): steps.append(.entry(entry))
                case .content(var bytes):
                    if case .content(var before) = steps.last {
                        before.writeBuffer(&bytes)
                        steps[steps.count - 1] = .content(before)
                    } else {
                        steps.append(.content(bytes))
                    }
                case .contentEnd: steps.append(.contentEnd)
                case .end: return steps + [.end]
                }
            }
        } catch {
            return steps + [.problem(error)]
        }
    }
}
