/// Reads globs: of names, and of paths.
///
/// - SeeAlso: glob(7); gitignore(5), "PATTERN FORMAT".
struct GlobParser {
    /// Bytes of a glob.
    static let maximumBytes = 4096
    /// Globs that one with braces stands for.
    static let maximumAlternatives = 256

    private static let slash = UInt8(ascii: "/")
    private static let notSlash = ByteSet.all.subtracting(ByteSet(Self.slash...Self.slash))

    /// What a glob means, of a whole name or path without a slash at its beginning.
    ///
    /// - Parameter hasBraces: Whether braces mean alternatives; in .gitignore files they do not.
    static func parse(_ glob: [UInt8], hasBraces: Bool) throws(PatternProblem) -> PatternNode {
        guard glob.count <= Self.maximumBytes else {
            throw PatternProblem("it has more than \(Self.maximumBytes) bytes")
        }
        guard hasBraces, glob.contains(UInt8(ascii: "{")) else { return Self.path(glob) }
        return .alternatives(try Self.expanded(glob).map(Self.path))
    }

    // MARK: Braces

    /// The globs without braces that `glob` stands for.
    static func expanded(_ glob: [UInt8]) throws(PatternProblem) -> [[UInt8]] {
        var done: [[UInt8]] = []
        var open = [glob]
        while let next = open.popLast() {
            guard let parts = Self.firstBraces(of: next) else {
                done.append(next)
                continue
            }
            open += parts.reversed()
            guard done.count + open.count <= Self.maximumAlternatives else {
                throw PatternProblem("its braces stand for more than \(Self.maximumAlternatives) globs")
            }
        }
        return done
    }

    /// `glob` with each alternative of its first pair of braces; nil if it has no pair.
    private static func firstBraces(of glob: [UInt8]) -> [[UInt8]]? {
        var depth = 0
        var start: Int?
        var cuts: [Int] = []
        var index = 0
        while index < glob.count {
            switch glob[index] {
            case UInt8(ascii: "\\"): index += 1
            case UInt8(ascii: "{"):
                if depth == 0 { (start, cuts) = (index, []) }
                depth += 1
            case UInt8(ascii: ",") where depth == 1:
                cuts.append(index)
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0, let start {
                    let edges = [start] + cuts + [index]
                    return zip(edges, edges.dropFirst()).map { from, to -> [UInt8] in
                        var one = Array(glob[..<start])
                        one += glob[(from + 1)..<to]
                        one += glob[(index + 1)...]
                        return one
                    }
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    // MARK: Paths

    private static func path(_ glob: [UInt8]) -> PatternNode {
        let names = glob.split(separator: Self.slash, omittingEmptySubsequences: false)
        var nodes: [PatternNode] = []
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            if name.count > 1, name.allSatisfy({ $0 == UInt8(ascii: "*") }) {
                let anything = PatternNode.repetition(.bytes(.all), atLeast: isLast ? 1 : 0, atMost: nil)
                nodes.append(isLast ? anything : Self.optional(.sequence([anything, Self.one(Self.slash)])))
                continue
            }
            nodes += Self.name(name)
            if !isLast { nodes.append(Self.one(Self.slash)) }
        }
        return .sequence(nodes)
    }

    private static func optional(_ node: PatternNode) -> PatternNode {
        .repetition(node, atLeast: 0, atMost: 1)
    }

    private static func one(_ byte: UInt8) -> PatternNode { .bytes(ByteSet(byte...byte)) }

    private static func name(_ glob: ArraySlice<UInt8>) -> [PatternNode] {
        var nodes: [PatternNode] = []
        var rest = glob
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                while rest.first == UInt8(ascii: "*") { rest.removeFirst() }
                nodes.append(.repetition(.bytes(Self.notSlash), atLeast: 0, atMost: nil))
            case UInt8(ascii: "?"):
                nodes.append(.scalars(ScalarSet.anything.removing(UInt32(Self.slash))))
            case UInt8(ascii: "["):
                if let set = Self.bracket(&rest) {
                    nodes.append(.scalars(set.removing(UInt32(Self.slash))))
                } else {
                    nodes.append(Self.one(byte))
                }
            case UInt8(ascii: "\\"):
                nodes.append(Self.one(rest.popFirst() ?? byte))
            default:
                nodes.append(Self.one(byte))
            }
        }
        return nodes
    }

    // MARK: Brackets

    /// The characters in brackets whose first one is taken; nil, and nothing taken, if they do not end.
    private static func bracket(_ rest: inout ArraySlice<UInt8>) -> ScalarSet? {
        let all = Self.scalars(of: rest)
        var scalars = all[...]
        let isInverted = scalars.first == "!" || scalars.first == "^"
        if isInverted { scalars.removeFirst() }
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let scalar = scalars.popFirst() {
            if scalar == "]", !isFirst {
                rest = rest.dropFirst(all[..<scalars.startIndex].reduce(0) { $0 + UTF8.width($1) })
                let set = ScalarSet(ranges)
                return isInverted ? set.inverted : set
            }
            isFirst = false
            if scalar == "[", let ofClass = Self.characterClass(&scalars) {
                ranges += ofClass
                continue
            }
            guard let low = scalar == "\\" ? scalars.popFirst() : scalar else { return nil }
            guard scalars.first == "-", let after = scalars.dropFirst().first, after != "]" else {
                ranges.append(low.value...low.value)
                continue
            }
            scalars = scalars.dropFirst(2)
            guard let high = after == "\\" ? scalars.popFirst() : after else { return nil }
            if low.value <= high.value { ranges.append(low.value...high.value) }
        }
        return nil
    }

    /// The characters of `bytes`, up to the first bytes that are none.
    private static func scalars(of bytes: ArraySlice<UInt8>) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { scalars.append(scalar) }
        return scalars
    }

    /// The characters of a class like `[:alpha:]` whose first bracket is taken; nil, and nothing taken, if it is none.
    ///
    /// A class that does not exist has no characters.
    private static func characterClass(
        _ scalars: inout ArraySlice<Unicode.Scalar>
    ) -> [ClosedRange<UInt32>]? {
        guard scalars.first == ":", let end = scalars.dropFirst().firstIndex(of: ":"),
            scalars[end...].dropFirst().first == "]"
        else { return nil }
        let name = String(String.UnicodeScalarView(scalars[(scalars.startIndex + 1)..<end]))
        scalars = scalars[(end + 2)...]
        return Self.characterClasses[name] ?? []
    }

    /// Those of the POSIX locale, as git has them.
    ///
    /// - SeeAlso: glob(7), "Character classes and internationalization".
    private static let characterClasses: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A],
        "alpha": [0x41...0x5A, 0x61...0x7A],
        "blank": [0x09...0x09, 0x20...0x20],
        "cntrl": [0x00...0x1F, 0x7F...0x7F],
        "digit": [0x30...0x39],
        "graph": [0x21...0x7E],
        "lower": [0x61...0x7A],
        "print": [0x20...0x7E],
        "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E],
        "space": [0x09...0x0D, 0x20...0x20],
        "upper": [0x41...0x5A],
        "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]
}
