/// The machine's memory, in bytes.
struct MemoryUse: Equatable {
    var total: UInt64
    /// What is not available to programs that start.
    var used: UInt64
    /// Of files, to be had back.
    var cache: UInt64

    /// Reads what `/proc/meminfo` says; nil if it is something else.
    ///
    /// - SeeAlso: proc_meminfo(5).
    init?(_ text: String) {
        var values: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            guard words.count >= 2, let value = UInt64(words[1]) else { continue }
            values[words[0]] = value << 10
        }
        guard let total = values["MemTotal"] else { return nil }
        let cached = values["Cached"] ?? 0
        // Before Linux 3.14 there is no better guess.
        let available = values["MemAvailable"] ?? (values["MemFree"] ?? 0) + cached
        self.total = total
        self.used = total - min(total, available)
        self.cache = cached + (values["SReclaimable"] ?? 0)
    }
}
