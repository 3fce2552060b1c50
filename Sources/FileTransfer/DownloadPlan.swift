import HTTPTransport
import NIOCore
import NIOHTTP1

/// The response to a download of a file as it is: its status, its headers, and which bytes of the file it has.
///
/// - SeeAlso: RFC 9110, sections 13 to 15.
struct DownloadPlan: Equatable {
    enum Segment: Equatable {
        case text(String)
        case file(Range<Int>)

        var count: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .file(let range): range.count
            }
        }
    }

    let status: HTTPResponseStatus
    let headers: HTTPHeaders
    let segments: [Segment]

    /// - Parameters:
    ///   - modified: Seconds since the epoch; nil if the file has no time.
    ///   - type: The value of `Content-Type`.
    ///   - common: What every response to the request has.
    init(_ request: DownloadRequest, size: Int, modified: Int?, type: String, _ common: HTTPHeaders) {
        var headers = common
        let range: String?
        switch request.conditions(modified: modified) {
        case .failed:
            if let modified { headers.add(name: "Last-Modified", value: HTTPDate.format(modified)) }
            self.init(.preconditionFailed, headers, [])
            return
        case .notModified:
            if let modified { headers.add(name: "Last-Modified", value: HTTPDate.format(modified)) }
            self.init(.notModified, headers, [])
            return
        case .passed(let value):
            range = value
        }
        switch ByteRanges(range, size: size) {
        case .malformed:
            self.init(rangeError: "invalid range", headers)
            return
        case .unsatisfiable:
            headers.add(name: "Content-Range", value: "bytes */\(size)")
            self.init(rangeError: "invalid range: failed to overlap", headers)
            return
        case .whole:
            headers.add(name: "Content-Type", value: type)
            self.init(content: .ok, headers, modified, [.file(0..<size)])
        case .parts(let parts):
            if parts.count == 1, let part = parts.first {
                headers.add(name: "Content-Type", value: type)
                headers.add(name: "Content-Range", value: Self.contentRange(part, size))
                self.init(content: .partialContent, headers, modified, [.file(part)])
            } else {
                let boundary = Self.makeBoundary()
                headers.add(name: "Content-Type", value: "multipart/byteranges; boundary=\(boundary)")
                var segments: [Segment] = []
                for (index, part) in parts.enumerated() {
                    let head =
                        "--\(boundary)\r\nContent-Range: \(Self.contentRange(part, size))\r\n"
                        + "Content-Type: \(type)\r\n\r\n"
                    segments.append(.text(index == 0 ? head : "\r\n" + head))
                    segments.append(.file(part))
                }
                segments.append(.text("\r\n--\(boundary)--\r\n"))
                self.init(content: .partialContent, headers, modified, segments)
            }
        }
    }

    private init(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ segments: [Segment]) {
        self.status = status
        self.headers = headers
        self.segments = segments
    }

    private init(rangeError text: String, _ headers: HTTPHeaders) {
        var headers = headers
        headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        headers.add(name: "X-Content-Type-Options", value: "nosniff")
        self.init(.rangeNotSatisfiable, headers, [.text(text + "\n")])
    }

    private init(
        content status: HTTPResponseStatus, _ headers: HTTPHeaders, _ modified: Int?, _ segments: [Segment]
    ) {
        var headers = headers
        if let modified { headers.add(name: "Last-Modified", value: HTTPDate.format(modified)) }
        headers.add(name: "Accept-Ranges", value: "bytes")
        self.init(status, headers, segments)
    }

    /// Bytes of the body.
    var length: Int { self.segments.reduce(0) { $0 + $1.count } }

    private static func contentRange(_ part: Range<Int>, _ size: Int) -> String {
        "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
    }

    /// What is in no file by chance.
    private static func makeBoundary() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<4).map { _ in String(random.next(), radix: 16) }.joined()
    }
}
