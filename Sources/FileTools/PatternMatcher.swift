/// Tells whether text matches, in time that is linear in its bytes.
///
/// The sets of places in which the program can be are the states of an automaton that has one place. They are made when
/// they are first met, so that mostly a byte costs one look into a table; there is room for a number of them, and if
/// that is used up, it begins anew.
struct PatternMatcher: Sendable {
    enum Mode: Sendable {
        /// A match anywhere in a line, which has no line feed.
        case anywhere
        /// A match of the whole text.
        case whole
    }

    /// What is known of the text before a place.
    private struct Context: Hashable, Sendable {
        var isStart: Bool
        var isAfterWord: Bool
    }

    private struct State: Hashable, Sendable {
        /// Sorted; before the steps that take nothing.
        var places: [Int32]
        var context: Context
    }

    /// Numbers that the states of an expression take at most, of 4 bytes each.
    static let expressionCache = 1 << 20
    /// The same of a glob, of which there are many.
    static let globCache = 8 << 10
    private static let unknown: Int32 = -1
    private static let matched: Int32 = -2
    /// From here on nothing can match.
    private static let dead: Int32 = -3

    private let program: PatternProgram
    private let mode: Mode
    private let cacheLimit: Int
    /// What the states' places take.
    private var cached = 0
    /// Bytes that no step tells apart have the same class. The last class is the text's end.
    private let classes: [UInt8]
    private let classCount: Int
    /// A byte of each class.
    private let examples: [UInt8]

    private var states: [State] = []
    private var numbers: [State: Int32] = [:]
    private var table: [Int32] = []
    /// When each step was last met, so that none is met twice for one byte.
    private var visits: [UInt32]
    private var visit: UInt32 = 0
    /// How often the table began anew.
    private var generation: UInt32 = 0

    /// Steps of the program.
    var size: Int { self.program.steps.count }

    init(_ program: PatternProgram, _ mode: Mode) {
        self.program = program
        self.mode = mode
        self.cacheLimit = mode == .whole ? Self.globCache : Self.expressionCache
        (self.classes, self.examples) = Self.classes(of: program)
        self.classCount = self.examples.count + 1
        self.visits = Array(repeating: 0, count: program.steps.count)
    }

    /// An expression's matcher.
    init(_ node: PatternNode, _ mode: Mode) throws(PatternProblem) {
        self.init(try PatternProgram(node), mode)
    }

    private static func classes(of program: PatternProgram) -> (classes: [UInt8], examples: [UInt8]) {
        var classes = [UInt8](repeating: 0, count: 256)
        var sets: Set<ByteSet> = [.word]
        for case .bytes(let set, _) in program.steps { sets.insert(set) }
        var examples: [UInt8] = [0]
        for set in sets {
            // Classes of which some bytes are in the set and others are not are divided.
            var divided: [UInt8: UInt8] = [:]
            for byte in UInt8.min...UInt8.max {
                let old = classes[Int(byte)]
                guard set.contains(byte) != set.contains(examples[Int(old)]) else { continue }
                if let new = divided[old] {
                    classes[Int(byte)] = new
                } else {
                    let new = UInt8(truncatingIfNeeded: examples.count)
                    divided[old] = new
                    examples.append(byte)
                    classes[Int(byte)] = new
                }
            }
        }
        return (classes, examples)
    }

    // MARK: Matching

    /// Whether `text` matches.
    ///
    /// - Parameters:
    ///   - optional: A byte behind the text, which may belong to it or be its end.
    ///   - next: The byte that follows, which is looked at but is no part of a match; nil if the text ends.
    mutating func matches(
        _ text: UnsafeRawBufferPointer, or optional: UInt8? = nil, before next: UInt8? = nil
    ) -> Bool {
        var state = self.number(of: self.initial)
        for byte in text {
            var next = self.table[Int(state) * self.classCount + Int(self.classes[Int(byte)])]
            if next < 0 {
                if next == Self.unknown { next = self.step(state, byte) }
                if next == Self.matched { return true }
                if next == Self.dead { return false }
            }
            state = next
        }
        if self.successor(of: state, next) == Self.matched { return true }
        guard let optional else { return false }
        state = self.successor(of: state, optional)
        return state == Self.matched || (state >= 0 && self.successor(of: state, next) == Self.matched)
    }

    /// Where `byte`, or with nil the end, leads to from a state.
    private mutating func successor(of state: Int32, _ byte: UInt8?) -> Int32 {
        let known = self.table[Int(state) * self.classCount + self.classNumber(of: byte)]
        return known == Self.unknown ? self.step(state, byte) : known
    }

    /// Whether `text` matches.
    mutating func matches(_ text: some Collection<UInt8>) -> Bool {
        let result = text.withContiguousStorageIfAvailable { self.matches(UnsafeRawBufferPointer($0)) }
        return result ?? Array(text).withUnsafeBytes { self.matches($0) }
    }

    private var initial: State {
        State(
            places: [Int32(self.program.start)], context: Context(isStart: true, isAfterWord: false))
    }

    private func classNumber(of byte: UInt8?) -> Int {
        byte.map { Int(self.classes[Int($0)]) } ?? self.classCount - 1
    }

    private mutating func number(of state: State) -> Int32 {
        if let number = self.numbers[state] { return number }
        let size = state.places.count + self.classCount
        if self.cached > 0, self.cached + size > self.cacheLimit {
            self.cached = 0
            self.generation &+= 1
            self.states.removeAll(keepingCapacity: true)
            self.numbers.removeAll(keepingCapacity: true)
            self.table.removeAll(keepingCapacity: true)
        }
        self.cached += size
        let number = Int32(self.states.count)
        self.states.append(state)
        self.numbers[state] = number
        self.table.append(contentsOf: repeatElement(Self.unknown, count: self.classCount))
        return number
    }

    /// Finds out where `byte`, or with nil the end, leads to from a state.
    private mutating func step(_ number: Int32, _ byte: UInt8?) -> Int32 {
        let entry = Int(number) * self.classCount + self.classNumber(of: byte)
        let state = self.states[Int(number)]
        let generation = self.generation
        let result: Int32
        switch self.places(after: state, byte) {
        case nil: result = Self.matched
        case let places?:
            if byte == nil || places.isEmpty {
                result = Self.dead
            } else {
                let isAfterWord = byte.map(ByteSet.word.contains) ?? false
                result = self.number(
                    of: State(places: places, context: Context(isStart: false, isAfterWord: isAfterWord)))
            }
        }
        // If it began anew, the state that was left is gone.
        if self.generation == generation { self.table[entry] = result }
        return result
    }

    /// Where the program is after one more byte; nil if it matches before that.
    private mutating func places(after state: State, _ byte: UInt8?) -> [Int32]? {
        self.visit &+= 1
        if self.visit == 0 {
            self.visits = Array(repeating: 0, count: self.visits.count)
            self.visit = 1
        }
        var open = state.places
        var places: Set<Int32> = []
        while let place = open.popLast() {
            guard self.visits[Int(place)] != self.visit else { continue }
            self.visits[Int(place)] = self.visit
            switch self.program.steps[Int(place)] {
            case .match:
                if self.mode == .anywhere || byte == nil { return nil }
            case .fork(let first, let second):
                open.append(Int32(first))
                open.append(Int32(second))
            case .assertion(let assertion, let next):
                if Self.holds(assertion, state.context, byte) { open.append(Int32(next)) }
            case .bytes(let set, let next):
                if let byte, set.contains(byte) { places.insert(Int32(next)) }
            }
        }
        if self.mode == .anywhere, byte != nil { places.insert(Int32(self.program.start)) }
        return places.sorted()
    }

    private static func holds(
        _ assertion: PatternNode.Assertion, _ context: Context, _ next: UInt8?
    ) -> Bool {
        let isBeforeWord = next.map(ByteSet.word.contains) ?? false
        switch assertion {
        case .start: return context.isStart
        case .end: return next == nil
        case .wordBoundary: return context.isAfterWord != isBeforeWord
        case .noWordBoundary: return context.isAfterWord == isBeforeWord
        }
    }
}
