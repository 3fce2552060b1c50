/// An entry of a directory that has just been listed.
struct ListedEntry: Sendable, Equatable {
    enum Change: Sendable, Equatable {
        case content
        case attributes
    }

    var name: [UInt8]
    var isDirectory: Bool
    /// What changed since the time that was asked about.
    var change: Change?

    init(_ name: [UInt8], isDirectory: Bool, change: Change? = nil) {
        self.name = name
        self.isDirectory = isDirectory
        self.change = change
    }
}
