import NIOCore
import Testing

@testable import FileTransfer

@Suite struct MultipartParserTests {
    /// What came of a body.
    private enum Outcome: Equatable {
        case parts([Part])
        case problem(MultipartParser.Problem, after: [Part])
    }

    private struct Part: Equatable {
        var field: String
        var fileName: String?
        var content: String
        var isComplete = false
    }

    /// Parses `body` in pieces that end at `cuts`.
    private func parse(_ body: String, cuts: [Int] = [], boundary: String = "b") -> Outcome {
        var parser = MultipartParser(boundary: Array(boundary.utf8))
        var parts: [Part] = []
        let bytes = Array(body.utf8)
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        for cut in cuts + [bytes.count] {
            pieces.append(bytes[start..<cut])
            start = cut
        }
        var rest = pieces[...]
        do throws(MultipartParser.Problem) {
            while true {
                switch try parser.next() {
                case nil:
                    if let piece = rest.popFirst() {
                        parser.feed(ByteBuffer(bytes: piece))
                    } else {
                        parser.finish()
                    }
                case .part(let headers):
                    let name = headers.fileName.map { String(decoding: $0, as: UTF8.self) }
                    parts.append(Part(field: headers.field, fileName: name, content: ""))
                case .content(let bytes): parts[parts.count - 1].content += String(buffer: bytes)
                case .partEnd: parts[parts.count - 1].isComplete = true
                case .end: return .parts(parts)
                }
            }
        } catch {
            return .problem(error, after: parts)
        }
    }

    private static let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a/b.txt\"\r\n"

    private static let bodies: [String] = [
        "--b\r\n\(head)\r\nhello\r\n--b--\r\n",
        "--b\r\n\(head)\r\n\r\n--b--\r\n",
        "--b\r\n\(head)\r\n--b--\r\n",
        "--b\r\n\(head)\r\none\r\n--b\r\n\(head)Content-Type: x/y\r\n\r\ntwo\r\n--bee\r\n\r\n-\r\n--b--",
        "preamble\r\n\r\n--b \t\r\n\(head)\r\nx\r\n--b-- \r\nepilogue",
        "--b\n\(head.replacing("\r\n", with: "\n"))\na\r\n-b\r\nb\n--b--\n",
        "--b\r\n\(head)\r\ntruncated",
        "--b\r\n\(head)\r\nx\r\n--b\r\n",
        "--b\r\n\(head)\r\nx\r\n--b",
        "--b\r\nno colon\r\n\r\nx\r\n--b--\r\n",
        "--b\r\n\(head)\r\nx\r\n--b junk\r\n",
        "nothing",
        "",
        "--b--",
        "--b\r\n X: folded\r\n\r\n",
        "--b\r\nContent-Disposition: form-data;\r\n name=file;\r\n\tfilename=z\r\n\r\n\u{0}\r\n--b--\r\n",
    ]

    @Test func `are taken apart`() {
        #expect(
            self.parse(Self.bodies[0])
                == .parts([Part(field: "file", fileName: "a/b.txt", content: "hello", isComplete: true)]))
        #expect(
            self.parse(Self.bodies[2])
                == .parts([Part(field: "file", fileName: "a/b.txt", content: "", isComplete: true)]))
        #expect(
            self.parse(Self.bodies[3])
                == .parts([
                    Part(field: "file", fileName: "a/b.txt", content: "one", isComplete: true),
                    Part(
                        field: "file", fileName: "a/b.txt", content: "two\r\n--bee\r\n\r\n-", isComplete: true
                    ),
                ]))
        #expect(
            self.parse(Self.bodies[5])
                == .parts([
                    Part(field: "file", fileName: "a/b.txt", content: "a\r\n-b\r\nb", isComplete: true)
                ])
        )
        #expect(
            self.parse(Self.bodies[15])
                == .parts([Part(field: "file", fileName: "z", content: "\u{0}", isComplete: true)]))
    }

    @Test func `that are malformed are refused`() {
        let part = Part(field: "file", fileName: "a/b.txt", content: "x", isComplete: true)
        #expect(
            self.parse(Self.bodies[6])
                == .problem(
                    .endsInsidePart,
                    after: [Part(field: "file", fileName: "a/b.txt", content: "truncated")]))
        #expect(self.parse(Self.bodies[8]) == .problem(.endsBetweenParts, after: [part]))
        #expect(self.parse(Self.bodies[9]) == .problem(.malformedHeader("no colon"), after: []))
        #expect(self.parse(Self.bodies[10]) == .problem(.unexpectedLine("--b junk\r\n"), after: [part]))
        #expect(self.parse(Self.bodies[11]) == .problem(.endsBetweenParts, after: []))
        #expect(self.parse(Self.bodies[12]) == .problem(.endsBetweenParts, after: []))
        #expect(self.parse(Self.bodies[13]) == .parts([]))
    }

    @Test(arguments: 0..<16)
    func `mean the same wherever they are cut`(index: Int) {
        let body = Self.bodies[index]
        let whole = self.parse(body)
        let count = body.utf8.count
        #expect(self.parse(body, cuts: Array(0..<count)) == whole, "each byte by itself")
        for cut in 0...count { #expect(self.parse(body, cuts: [cut]) == whole, "cut at \(cut)") }
    }

    @Test func `do not make the parser hold more than its limits`() {
        let long = String(repeating: "x", count: MultipartParser.headerLimit + 10)
        #expect(self.parse(long) == .problem(.lineTooLong, after: []))
        #expect(self.parse("--b\r\nA: \(long)") == .problem(.headersTooLong, after: []))
    }
}
