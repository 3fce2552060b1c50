import Connect

/// Globs of which one has to match.
struct GlobList: Sendable {
    /// Globs of one request.
    static let limit = 256
    /// Steps of all programs.
    static let maximumSteps = 100_000

    private var names: [PatternMatcher] = []
    private var paths: [PatternMatcher] = []

    var isEmpty: Bool { self.names.isEmpty && self.paths.isEmpty }

    /// - Throws: ``ToolFailure`` with `invalidArgument` for what is no glob.
    init(_ globs: [String]) throws(ToolFailure) {
        guard globs.count <= Self.limit else {
            throw ToolFailure(.invalidArgument, "there are more than \(Self.limit) globs")
        }
        var steps = 0
        for glob in globs {
            var bytes = Array(glob.utf8)
            let hasSlash = bytes.contains(UInt8(ascii: "/"))
            while bytes.first == UInt8(ascii: "/") { bytes.removeFirst() }
            do throws(PatternProblem) {
                let matcher = try PatternMatcher(try GlobParser.parse(bytes, hasBraces: true), .whole)
                steps += matcher.size
                guard steps <= Self.maximumSteps else { throw PatternProblem("it is too large") }
                if hasSlash { self.paths.append(matcher) } else { self.names.append(matcher) }
            } catch {
                throw ToolFailure(.invalidArgument, "cannot use the glob '\(glob)': \(error.reason)")
            }
        }
    }

    /// Whether a glob matches the name, or the path below where the walk began.
    mutating func matches(name: ArraySlice<UInt8>, path: ArraySlice<UInt8>) -> Bool {
        for index in self.names.indices where self.names[index].matches(name) { return true }
        for index in self.paths.indices where self.paths[index].matches(path) { return true }
        return false
    }
}
