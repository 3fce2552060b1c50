/// What a client calls an execution: bytes, of which text that only looks the same is another.
struct ExecutionID: Hashable, Sendable {
    private let bytes: [UInt8]

    init(_ text: String) {
        self.bytes = Array(text.utf8)
    }
}
