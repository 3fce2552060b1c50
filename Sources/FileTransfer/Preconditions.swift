import HTTPTransport
import NIOHTTP1

/// What the conditional headers of a download make of it. Files have a time, but no entity tag.
///
/// - SeeAlso: RFC 9110, section 13.
enum Preconditions: Equatable {
    /// The download goes on, with this `Range`.
    case passed(range: String?)
    case notModified
    case failed

    /// - Parameter modified: seconds since the epoch; nil if the file has no time.
    init(_ headers: HTTPHeaders, modified: Int?) {
        if let match = headers.firstNonEmpty("if-match") {
            if match != "*" {
                self = .failed
                return
            }
        } else if let limit = headers.firstDate("if-unmodified-since"), let modified, modified > limit {
            self = .failed
            return
        }
        if let noneMatch = headers.firstNonEmpty("if-none-match") {
            if noneMatch.trimmed.hasPrefix("*") {
                self = .notModified
                return
            }
        } else if let known = headers.firstDate("if-modified-since"), let modified, modified <= known {
            self = .notModified
            return
        }
        var range = headers.firstNonEmpty("range")
        if range != nil, headers.firstNonEmpty("if-range") != nil {
            if modified == nil || headers.firstDate("if-range") != modified { range = nil }
        }
        self = .passed(range: range)
    }

    /// Whether a request asks for a part of a file or makes its download depend on something, so that it is answered
    /// with the file as it is.
    static func needIdentity(_ headers: HTTPHeaders) -> Bool {
        ["range", "if-modified-since", "if-none-match", "if-range"].contains {
            headers.firstNonEmpty($0) != nil
        }
    }
}

extension HTTPHeaders {
    /// The first value, if it says anything.
    fileprivate func firstNonEmpty(_ name: String) -> String? {
        guard let value = self.first(name: name), !value.isEmpty else { return nil }
        return value
    }

    /// The first value as seconds since the epoch.
    fileprivate func firstDate(_ name: String) -> Int? {
        self.firstNonEmpty(name).flatMap { HTTPDate.parse($0) }
    }
}
