/// What an expression or a glob means.
indirect enum PatternNode: Sendable, Hashable {
    /// A place that is looked at without taking anything.
    enum Assertion: Sendable, Hashable {
        case start, end, wordBoundary, noWordBoundary
    }

    case empty
    /// One character in UTF-8.
    case scalars(ScalarSet)
    /// One byte.
    case bytes(ByteSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repetition(PatternNode, atLeast: Int, atMost: Int?)
    case assertion(Assertion)

    /// `text` itself.
    static func literal(_ text: some Collection<UInt8>, ignoringCase: Bool = false) -> PatternNode {
        .sequence(
            text.map { byte in
                let isASCII = byte < 0x80
                guard isASCII, ignoringCase else { return .bytes(ByteSet(byte...byte)) }
                return .bytes(ScalarSet(UInt32(byte)).ignoringCase.ascii)
            })
    }
}
