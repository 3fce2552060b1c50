import Connect

/// Globs of which one has to match.
struct GlobList: Sendable {
    /// Globs of one request.
    static let limit = 256
    /// Steps of all programs.
    static let maximumSteps = 100_000

    private struct Glob: Sendable {
        var matcher: PatternMatcher
        /// Whether it is matched with the path, and not with the name.
        var isOfPath: Bool
        var isForDirectories: Bool
    }

    private var globs: [Glob] = []

    var isEmpty: Bool { self.globs.isEmpty }

    /// - Throws: ``ToolFailure`` with `invalidArgument` for what is no glob.
    init(_ globs: [String]) throws(ToolFailure) {
        guard globs.count <= Self.limit else {
            throw ToolFailure(.invalidArgument, "there are more than \(Self.limit) globs")
        }
        var steps = 0
        for glob in globs {
            var bytes = Array(glob.utf8)[...]
            let slash = UInt8(ascii: "/")
            let isForDirectories = bytes.count > 1 && bytes.last == slash
            while isForDirectories, bytes.last == slash { bytes.removeLast() }
            let isOfPath = bytes.contains(slash)
            while bytes.starts(with: "./".utf8) { bytes.removeFirst(2) }
            while bytes.first == slash { bytes.removeFirst() }
            do throws(PatternProblem) {
                let matcher = try PatternMatcher(try GlobParser.parse(Array(bytes), hasBraces: true), .whole)
                steps += matcher.size
                guard steps <= Self.maximumSteps else { throw PatternProblem("it is too large") }
                self.globs.append(
                    Glob(matcher: matcher, isOfPath: isOfPath, isForDirectories: isForDirectories))
            } catch {
                throw ToolFailure(.invalidArgument, "cannot use the glob '\(glob)': \(error.reason)")
            }
        }
    }

    /// Whether a glob matches the name, or the path below where the walk began.
    mutating func matches(
        name: ArraySlice<UInt8>, path: ArraySlice<UInt8>, isDirectory: Bool
    ) -> Bool {
        for index in self.globs.indices where isDirectory || !self.globs[index].isForDirectories {
            if self.globs[index].matcher.matches(self.globs[index].isOfPath ? path : name) { return true }
        }
        return false
    }
}
