@testable import FileTools
@testable import FilesystemService

/// Input: a byte for the kind of pattern, one for its length, the pattern, and the text that it is matched with.
enum PatternFuzzing {
    private enum Kind: CaseIterable {
        case expression, expressionIgnoringCase, glob, globWithBraces, watchGlob, ignoreFile
    }

    static func run(_ input: FuzzInput) throws {
        var input = input
        let kind = input.choice(of: Kind.allCases)
        let pattern = input.take(Int(input.choice()))
        // Lines and paths have neither.
        let text = input.rest.filter { $0 != 0 && $0 != UInt8(ascii: "\n") }
        switch kind {
        case .expression: try Self.expression(pattern, ignoringCase: false, text)
        case .expressionIgnoringCase: try Self.expression(pattern, ignoringCase: true, text)
        case .glob: try Self.glob(pattern, hasBraces: false, text)
        case .globWithBraces: try Self.glob(pattern, hasBraces: true, text)
        case .watchGlob:
            let glob = GlobPattern(String(decoding: pattern, as: UTF8.self))
            try expect(glob.matches(text) == glob.matches(text), "a pattern says the same twice")
        case .ignoreFile:
            let file = IgnoreFile(pattern)
            let name = text.split(separator: UInt8(ascii: "/")).last ?? []
            let excludes = file.excludes(name: name, path: text[...], isDirectory: false)
            try expect(
                file.excludes(name: name, path: text[...], isDirectory: false) == excludes,
                "a file says the same twice")
        }
    }

    private static func expression(_ pattern: [UInt8], ignoringCase: Bool, _ text: [UInt8]) throws {
        let source = String(decoding: pattern, as: UTF8.self)
        guard let node = try? RegexParser.parse(source, ignoringCase: ignoringCase),
            let program = try? PatternProgram(node)
        else { return }
        var matcher = PatternMatcher(program, .anywhere)
        var finder = SpanFinder(program)
        let spans = text.withUnsafeBytes { finder.spans(in: $0, limit: 100) }
        let matches = text.withUnsafeBytes { matcher.matches($0) }
        try expect(matches == !spans.isEmpty, "both ways to match agree: \(matches), \(spans)")
        try expect(text.withUnsafeBytes { matcher.matches($0) } == matches, "what was learnt changes nothing")
        for (span, next) in zip(spans, spans.dropFirst()) {
            try expect(span.upperBound <= next.lowerBound, "matches do not overlap: \(spans)")
        }
        try expect((spans.last?.upperBound ?? 0) <= text.count, "matches are in the text")
    }

    private static func glob(_ pattern: [UInt8], hasBraces: Bool, _ text: [UInt8]) throws {
        guard let node = try? GlobParser.parse(pattern, hasBraces: hasBraces),
            var matcher = try? PatternMatcher(node, .whole)
        else { return }
        let matches = matcher.matches(text)
        try expect(matcher.matches(text) == matches, "what was learnt changes nothing")
        guard hasBraces, let globs = try? GlobParser.expanded(pattern) else { return }
        let single = globs.contains { glob in
            guard let node = try? GlobParser.parse(glob, hasBraces: false),
                var matcher = try? PatternMatcher(node, .whole)
            else { return false }
            return matcher.matches(text)
        }
        try expect(single == matches, "braces stand for globs without braces")
    }
}
