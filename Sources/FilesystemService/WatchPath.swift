/// A path below a watched directory: names with `/` between them; empty is the directory itself.
struct WatchPath: Sendable, Hashable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// The entry `name` of this directory.
    func appending(_ name: [UInt8]) -> WatchPath {
        guard !self.bytes.isEmpty else { return WatchPath(name) }
        var bytes = [UInt8]()
        bytes.reserveCapacity(self.bytes.count + 1 + name.count)
        bytes += self.bytes
        bytes.append(UInt8(ascii: "/"))
        bytes += name
        return WatchPath(bytes)
    }

    /// As clients see it: `.` for the watched directory. What is not UTF-8 in a name is replaced.
    var text: String {
        self.bytes.isEmpty ? "." : String(decoding: self.bytes, as: UTF8.self)
    }
}
