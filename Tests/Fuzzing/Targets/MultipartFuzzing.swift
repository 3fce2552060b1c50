import NIOCore

@testable import FileTransfer

/// Input: a byte for the boundary, the lengths of pieces, and a multipart body.
enum MultipartFuzzing {
    /// What a body means.
    private enum Step: Equatable {
        case part(MultipartHeaders)
        case content(ByteBuffer)
        case partEnd
        case end
        case problem(MultipartParser.Problem)
    }

    static func run(_ input: FuzzInput) throws {
        var input = input
        let boundary = Array(input.choice(of: ["b", "--", "boundary", "\r\n"]).utf8)
        let lengths = input.lengths()
        let whole = Self.steps([input.buffer], boundary)
        let cut = Self.steps(input.pieces(lengths), boundary)
        try expect(whole == cut, "cuts do not change what a body means: \(whole) and \(cut)")
        let content = whole.reduce(0) { count, step in
            if case .content(let bytes) = step { count + bytes.readableBytes } else { count }
        }
        try expect(content <= input.rest.count, "content comes from the body")
        switch whole.last {
        case .end, .problem: break
        case .part, .content, .partEnd, nil: try expect(false, "a body ends, or is an error")
        }
    }

    /// What comes out; content that follows content is one.
    private static func steps(_ pieces: [ByteBuffer], _ boundary: [UInt8]) -> [Step] {
        var parser = MultipartParser(boundary: boundary)
        var rest = pieces[...]
        var steps: [Step] = []
        do throws(MultipartParser.Problem) {
            while true {
                switch try parser.next() {
                case nil:
                    if let piece = rest.popFirst() { parser.feed(piece) } else { parser.finish() }
                case .part(let headers): steps.append(.part(headers))
                case .content(var bytes):
                    if case .content(var before) = steps.last {
                        before.writeBuffer(&bytes)
                        steps[steps.count - 1] = .content(before)
                    } else {
                        steps.append(.content(bytes))
                    }
                case .partEnd: steps.append(.partEnd)
                case .end: return steps + [.end]
                }
            }
        } catch {
            return steps + [.problem(error)]
        }
    }
}
