/// Separates progress from what else git writes to standard error, however the bytes are cut.
///
/// Lines end with a newline, or with a carriage return if the next one replaces them.
struct ProgressReader: Sendable {
    /// Bytes of a line after which it counts as text.
    private static let lineLimit = 4 << 10

    private var line: [UInt8] = []

    /// Takes the next bytes: the progress in them, and all complete lines that are something else.
    mutating func read(_ bytes: [UInt8]) -> (progress: [GitProgress], text: [UInt8]) {
        var progress: [GitProgress] = []
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                if let step = GitProgress(line: String(decoding: self.line, as: UTF8.self)) {
                    progress.append(step)
                } else if !self.line.isEmpty {
                    text += self.line + [UInt8(ascii: "\n")]
                }
                self.line.removeAll(keepingCapacity: true)
            default:
                self.line.append(byte)
                if self.line.count >= Self.lineLimit {
                    text += self.line
                    self.line.removeAll(keepingCapacity: true)
                }
            }
        }
        return (progress, text)
    }

    /// What is left at the end: a line without an end.
    mutating func finish() -> [UInt8] {
        let rest = self.line
        self.line = []
        return rest
    }
}
