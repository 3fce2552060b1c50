/// An expression as the steps of an automaton that may be in many places at once.
///
/// - SeeAlso: K. Thompson, "Regular Expression Search Algorithm", 1968.
struct PatternProgram: Sendable {
    enum Step: Sendable {
        case bytes(ByteSet, next: Int)
        case fork(Int, Int)
        case assertion(PatternNode.Assertion, next: Int)
        case match
    }

    /// Steps of a program: what one byte of text costs at most.
    static let maximumSteps = 10_000

    private(set) var steps: [Step] = []
    private(set) var start = 0

    /// - Throws: ``PatternProblem`` if it would have too many steps.
    init(_ node: PatternNode) throws(PatternProblem) {
        let match = try self.add(.match)
        self.start = try self.compile(node, then: match)
    }

    private mutating func add(_ step: Step) throws(PatternProblem) -> Int {
        guard self.steps.count < Self.maximumSteps else { throw PatternProblem("it is too large") }
        self.steps.append(step)
        return self.steps.count - 1
    }

    /// Adds the steps of `node` before those that begin at `next`.
    ///
    /// - Returns: where they begin.
    private mutating func compile(_ node: PatternNode, then next: Int) throws(PatternProblem) -> Int {
        switch node {
        case .empty:
            return next
        case .bytes(let set):
            return try self.add(.bytes(set, next: next))
        case .scalars(let set):
            return try self.compile(set, then: next)
        case .assertion(let assertion):
            return try self.add(.assertion(assertion, next: next))
        case .sequence(let nodes):
            var first = next
            for node in nodes.reversed() { first = try self.compile(node, then: first) }
            return first
        case .alternatives(let nodes):
            var first: Int?
            for node in nodes.reversed() {
                let branch = try self.compile(node, then: next)
                if let other = first { first = try self.add(.fork(branch, other)) } else { first = branch }
            }
            return first ?? next
        case .repetition(let node, let least, let most):
            return try self.compile(node, least, most, then: next)
        }
    }

    private mutating func compile(
        _ node: PatternNode, _ least: Int, _ most: Int?, then next: Int
    ) throws(PatternProblem) -> Int {
        var first = next
        if let most {
            for _ in least..<max(least, most) {
                first = try self.add(.fork(try self.compile(node, then: first), next))
            }
        } else {
            // The loop is closed when its body is known.
            let loop = try self.add(.fork(next, next))
            self.steps[loop] = .fork(try self.compile(node, then: loop), next)
            first = loop
        }
        for _ in 0..<least {
            let before = try self.compile(node, then: first)
            // What takes nothing is not worth repeating.
            if before == first { break }
            first = before
        }
        return first
    }

    private mutating func compile(_ set: ScalarSet, then next: Int) throws(PatternProblem) -> Int {
        let ascii = set.ascii
        let sequences = set.sequences
        // A set without members is a step that no byte takes.
        var first = ascii.isEmpty && !sequences.isEmpty ? nil : try self.add(.bytes(ascii, next: next))
        for sequence in sequences {
            var branch = next
            for range in sequence.reversed() { branch = try self.add(.bytes(ByteSet(range), next: branch)) }
            if let other = first { first = try self.add(.fork(branch, other)) } else { first = branch }
        }
        return first ?? next
    }
}
