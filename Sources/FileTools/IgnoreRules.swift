import LinuxSystem
import SandboxContext
import SystemPackage

/// The .gitignore files that count in a directory of a walk: its own, and those of the directories above.
struct IgnoreRules: Sendable {
    private struct Source: Sendable {
        var file: IgnoreFile
        /// Directories from the file's down to where the walk began; empty if that is not above it.
        var above: [UInt8]
        /// Bytes of a path of the walk that lie before the file's directory.
        var below: Int
    }

    /// Directories above the walk that are looked at.
    private static let maximumAncestors = 64
    /// Rules of all files beyond which no other file is read.
    static let maximumRules = 4000

    /// The innermost last.
    private var sources: [Source] = []
    private let name: RawPath = ".gitignore"

    /// The files above the directory where a walk begins, up to the root of the working tree.
    init(above directory: OpenEntry, _ resolver: FileResolver) {
        guard let path = directory.file.currentPath() else { return }
        var found: [Source] = []
        var names: [ArraySlice<UInt8>] = []
        var place = directory
        if Self.isWorkingTree(place) { return }
        for component in path.components.reversed().prefix(Self.maximumAncestors) {
            guard
                let parent = try? OpenEntry(
                    try resolver.open(.parent, in: place.file, [.readOnly, .directory]))
            else { return }
            names.insert(component, at: 0)
            if let file = Self.read(self.name, in: parent, resolver) {
                let above = Array(names.joined(separator: [UInt8(ascii: "/")])) + [UInt8(ascii: "/")]
                found.insert(Source(file: file, above: above, below: 0), at: 0)
            }
            place = parent
            if Self.isWorkingTree(place) {
                self.sources = found
                return
            }
        }
        // Without a working tree, what lies above has nothing to say.
    }

    private static func isWorkingTree(_ directory: OpenEntry) -> Bool {
        (try? directory.file.status(of: ".git")) != nil
    }

    /// Adds the file of a directory of the walk.
    ///
    /// - Parameter path: the directory's, with a slash at its end, from where the walk began; empty is that place.
    mutating func enter(_ directory: OpenEntry, path: ArraySlice<UInt8>, _ resolver: FileResolver) {
        guard self.sources.reduce(0, { $0 + $1.file.count }) < Self.maximumRules,
            let file = Self.read(self.name, in: directory, resolver)
        else { return }
        self.sources.append(Source(file: file, above: [], below: path.count))
    }

    /// A directory's file; nil if it has none that can be read and says something.
    private static func read(
        _ name: RawPath, in directory: OpenEntry, _ resolver: FileResolver
    ) -> IgnoreFile? {
        guard
            let entry = try? OpenEntry(
                try resolver.open(name, in: directory.file, OpenEntry.reading.union(.noFollow))),
            entry.status.kind == .regular,
            let bytes = try? entry.file.readAll(upTo: IgnoreFile.maximumBytes)
        else { return nil }
        let file = IgnoreFile(bytes)
        return file.count == 0 ? nil : file
    }

    /// Whether an entry is excluded: what the innermost file says that says anything.
    func exclude(
        name: ArraySlice<UInt8>, path: ArraySlice<UInt8>, isDirectory: Bool
    ) -> Bool {
        for index in self.sources.indices.reversed() {
            let above = self.sources[index].above
            let own = above.isEmpty ? path.dropFirst(self.sources[index].below) : (above + path)[...]
            let verdict = self.sources[index].file.excludes(name: name, path: own, isDirectory: isDirectory)
            if let verdict { return verdict }
        }
        return false
    }
}
