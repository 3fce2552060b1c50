/// Finds where in a line an expression matches: at the leftmost place, and there as far as possible.
///
/// It goes through the text once, with the place where each possible match began: linear in the text's bytes for
/// each match that is found.
struct SpanFinder: Sendable {
    private let program: PatternProgram
    private var visits: [UInt32]
    private var visit: UInt32 = 0

    init(_ program: PatternProgram) {
        self.program = program
        self.visits = Array(repeating: 0, count: program.steps.count)
    }

    /// The first `limit` matches that do not overlap.
    ///
    /// - Parameter following: The byte behind the text, which is looked at but is no part of a match; nil if the text
    ///   ends.
    mutating func spans(
        in text: UnsafeRawBufferPointer, before following: UInt8? = nil, limit: Int
    ) -> [Range<Int>] {
        var spans: [Range<Int>] = []
        var from = 0
        while spans.count < limit, from <= text.count, let span = self.first(in: text, following, from: from)
        {
            spans.append(span)
            from = span.isEmpty ? span.upperBound + 1 : span.upperBound
        }
        return spans
    }

    private mutating func first(
        in text: UnsafeRawBufferPointer, _ following: UInt8?, from: Int
    ) -> Range<Int>? {
        /// Where the program is, those that began further left first, and where each began.
        var threads: [(place: Int, start: Int)] = []
        var best: Range<Int>?
        for index in from...text.count {
            if best == nil { threads.append((self.program.start, index)) }
            if threads.isEmpty { break }
            let byte = index < text.count ? text[index] : following
            let previous = index > 0 ? text[index - 1] : nil
            threads = self.advance(threads, at: index, previous, byte, &best)
        }
        return best
    }

    private mutating func advance(
        _ threads: [(place: Int, start: Int)], at index: Int, _ previous: UInt8?, _ byte: UInt8?,
        _ best: inout Range<Int>?
    ) -> [(place: Int, start: Int)] {
        self.visit &+= 1
        if self.visit == 0 {
            self.visits = Array(repeating: 0, count: self.visits.count)
            self.visit = 1
        }
        var next: [(place: Int, start: Int)] = []
        var open: [Int] = []
        for (place, start) in threads {
            if let best, start > best.lowerBound { break }
            open.append(place)
            while let place = open.popLast() {
                guard self.visits[place] != self.visit else { continue }
                self.visits[place] = self.visit
                switch self.program.steps[place] {
                case .match: best = start..<index
                case .fork(let first, let second): open += [first, second]
                case .assertion(let assertion, let following):
                    if Self.holds(assertion, previous, byte) { open.append(following) }
                case .bytes(let set, let following):
                    if let byte, set.contains(byte) { next.append((following, start)) }
                }
            }
        }
        return next
    }

    private static func holds(
        _ assertion: PatternNode.Assertion, _ previous: UInt8?, _ next: UInt8?
    ) -> Bool {
        let isAfterWord = previous.map(ByteSet.word.contains) ?? false
        let isBeforeWord = next.map(ByteSet.word.contains) ?? false
        switch assertion {
        case .start: return previous == nil
        case .end: return next == nil
        case .wordBoundary: return isAfterWord != isBeforeWord
        case .noWordBoundary: return isAfterWord == isBeforeWord
        }
    }
}
