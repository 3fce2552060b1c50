/// What is fuzzed: functions that take whatever a client sends.
enum FuzzTarget: String, CaseIterable {
    /// The decoder of envelopes.
    case envelopes
    /// JSON requests.
    case json
    /// gRPC-Web's text form.
    case webText = "web-text"
    /// Headers, request targets and queries.
    case headers
    /// Forms with files.
    case multipart
    /// The body of `/init`.
    case initialization = "init"
    /// Tar archives.
    case archive
    /// Regular expressions, globs and ignore files, and what they match.
    case patterns

    /// Feeds `input` to what is under test, which must not trap.
    ///
    /// - Throws: `FuzzFailure` if the result breaks a promise.
    func run(_ input: FuzzInput) throws {
        switch self {
        case .envelopes: try EnvelopeFuzzing.run(input)
        case .json: try JSONFuzzing.run(input)
        case .webText: try WebTextFuzzing.run(input)
        case .headers: try HeaderFuzzing.run(input)
        case .multipart: try MultipartFuzzing.run(input)
        case .initialization: try InitFuzzing.run(input)
        case .archive: try ArchiveFuzzing.run(input)
        case .patterns: try PatternFuzzing.run(input)
        }
    }
}

/// A promise that was not kept.
struct FuzzFailure: Error {
    let promise: String
}

/// - Throws: `FuzzFailure` with `promise`, unless it is `kept`.
func expect(_ kept: Bool, _ promise: @autoclosure () -> String) throws {
    guard kept else { throw FuzzFailure(promise: promise()) }
}
