import NIOCore

/// The bytes that a fuzzer made up. The first ones are choices.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) {
        self.rest = Array(bytes)[...]
    }

    /// What is left.
    var buffer: ByteBuffer { ByteBuffer(bytes: self.rest) }
    /// What is left, as HTTP's parser would make a string of it.
    var text: String { String(decoding: self.rest, as: UTF8.self) }

    /// The next byte; 0 at the end.
    mutating func choice() -> UInt8 {
        self.rest.popFirst() ?? 0
    }

    /// One of `values`.
    mutating func choice<Value>(of values: [Value]) -> Value {
        values[Int(self.choice()) % values.count]
    }

    /// The next bytes, as many as there are of `count`.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { self.rest = self.rest.dropFirst(count) }
        return Array(self.rest.prefix(count))
    }

    /// The lengths of pieces: a byte with their number, of 15 at most, and a byte for each.
    mutating func lengths() -> [Int] {
        let count = self.choice() & 15
        return (0..<count).map { _ in Int(self.choice()) }
    }

    /// What is left, cut into pieces of `lengths` and the rest. Pieces may be empty.
    func pieces(_ lengths: [Int]) -> [ByteBuffer] {
        var rest = self.rest
        var pieces: [ByteBuffer] = []
        for length in lengths {
            pieces.append(ByteBuffer(bytes: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces + [ByteBuffer(bytes: rest)]
    }
}
