/// How far a long command of git is.
struct GitProgress: Sendable, Equatable {
    /// As git calls it: `Receiving objects`.
    var phase: String
    /// Whether the server is doing it.
    var isRemote = false
    /// nil where git does not know how much there is to do.
    var percent: UInt32?
    var objects: UInt64 = 0
    var total: UInt64 = 0
    var bytes: UInt64 = 0
    var bytesPerSecond: UInt64 = 0
    var isDone = false

    init(phase: String) {
        self.phase = phase
    }

    /// Reads one line of `git --progress`, without its end; nil if it is something else.
    ///
    /// Layout: `PHASE: PERCENT% (DONE/TOTAL), BYTES | BYTES/s, done.`, where everything behind the numbers may be
    /// missing, or `PHASE: DONE, done.`; the server's lines begin with `remote: `, and sizes have a unit
    /// (`1.20 MiB`). Spaces that erase a longer line may follow.
    init?(line: some StringProtocol) {
        var text = line[...]
        let isRemote = text.hasPrefix("remote: ")
        if isRemote { text = text.dropFirst("remote: ".count) }
        while text.hasSuffix(" ") { text.removeLast() }
        guard let colon = text.firstRange(of: ": ") else { return nil }
        let phase = text[..<colon.lowerBound]
        guard !phase.isEmpty, phase.utf8.count <= Self.phaseLimit,
            phase.unicodeScalars.allSatisfy({ $0 == " " || $0.properties.isAlphabetic })
        else { return nil }
        var parts = text[colon.upperBound...].split(separator: ", ", omittingEmptySubsequences: false)[...]
        guard let first = parts.popFirst() else { return nil }
        self.init(phase: String(phase))
        self.isRemote = isRemote
        guard self.readCount(first) else { return nil }
        for part in parts {
            if part == "done." || part == "done" {
                self.isDone = true
            } else {
                self.readThroughput(part)
            }
        }
    }

    /// Bytes of a phase's name.
    private static let phaseLimit = 64

    /// `100% (5/5)`, or `5` where the total is not known.
    private mutating func readCount(_ text: some StringProtocol) -> Bool {
        let digits = text.drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return false }
        let rest = text.drop { $0 == " " }.dropFirst(digits.count)
        if rest.isEmpty || rest == "." {
            self.objects = number
            return true
        }
        guard number <= 100, rest.hasPrefix("% ("), rest.hasSuffix(")") else { return false }
        let counts = rest.dropFirst("% (".count).dropLast().split(separator: "/")
        guard counts.count == 2, let done = UInt64(counts[0]), let total = UInt64(counts[1]) else {
            return false
        }
        self.percent = UInt32(number)
        self.objects = done
        self.total = total
        return true
    }

    /// `1.20 MiB | 2.00 MiB/s`, of which the speed may be missing.
    private mutating func readThroughput(_ text: some StringProtocol) {
        let parts = text.split(separator: " | ")
        if let size = parts.first.flatMap({ Self.bytes($0) }) { self.bytes = size }
        if parts.count == 2, parts[1].hasSuffix("/s"), let speed = Self.bytes(parts[1].dropLast(2)) {
            self.bytesPerSecond = speed
        }
    }

    /// `512 bytes`, `1.20 MiB`.
    private static func bytes(_ text: some StringProtocol) -> UInt64? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let number = Double(String(parts[0])), number >= 0 else { return nil }
        let factor: Double
        switch parts[1] {
        case "bytes", "byte": factor = 1
        case "KiB": factor = 1024
        case "MiB": factor = 1_048_576
        case "GiB": factor = 1_073_741_824
        default: return nil
        }
        let size = (number * factor).rounded()
        return UInt64(exactly: size)
    }
}
