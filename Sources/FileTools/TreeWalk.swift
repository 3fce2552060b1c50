import LinuxSystem
import SandboxContext
import SystemPackage

/// Goes through a directory and what is below it, one entry at a time, a directory before its entries. No link is
/// followed.
///
/// Memory and descriptors depend on the depth alone. On threads that may block.
struct TreeWalk: Sendable {
    struct Entry: Sendable {
        let name: RawPath
        /// From where the walk began, without a slash at either end.
        let path: [UInt8]
        let status: FileStatus
        let directory: OpenEntry
    }

    enum Step: Sendable {
        case entry(Entry)
        /// There is nothing to tell yet.
        case busy
        case end
    }

    /// Which entries are told.
    struct Options: Sendable {
        var include: GlobList
        var exclude: GlobList
        var usesIgnoreFiles: Bool
        var maxDepth: Int
    }

    private struct Level: Sendable {
        let directory: OpenEntry
        /// With a slash at its end; empty where the walk began.
        let path: [UInt8]
        var rules: IgnoreRules?
        /// The last one comes first.
        var entries: [(name: RawPath, status: FileStatus)] = []
        var isRead = false
    }

    /// Directories within directories.
    static let maximumDepth = 100
    /// Bytes of entries that are read from a directory at a time.
    private static let readBytes = 32 << 10
    /// File systems that are the kernel's and not for looking around in: proc, sysfs, cgroup2, cgroup, debugfs,
    /// tracefs, securityfs, bpf; linux/magic.h.
    private static let kernelFileSystems: Set<Int64> = [
        0x9FA0, 0x6265_6572, 0x6367_7270, 0x27E0EB, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0xCAFE_4A11,
    ]

    private let files: FileAccess
    private let account: Account
    private var options: Options
    private var levels: [Level] = []
    /// The directory that comes next.
    private var pending: Entry?
    /// Directories that could not be read, or are too deep, and entries that could not be looked at.
    private(set) var unreadable = 0
    /// Entries that were looked at.
    private(set) var seen = 0

    init(of directory: OpenEntry, _ options: Options, _ files: FileAccess, as account: Account) {
        self.files = files
        self.account = account
        self.options = options
        var rules: IgnoreRules?
        if options.usesIgnoreFiles {
            rules = files.performQuietly(as: account) { resolver in
                var rules = IgnoreRules(above: directory, resolver)
                rules.enter(directory, path: [], resolver)
                return rules
            }
        }
        self.levels = [Level(directory: directory, path: [], rules: rules)]
    }

    mutating func next() -> Step {
        if let directory = self.pending {
            self.pending = nil
            self.enter(directory)
            return .busy
        }
        guard let index = self.levels.indices.last else { return .end }
        guard let (name, status) = self.levels[index].entries.popLast() else {
            if self.levels[index].isRead { self.levels.removeLast() } else { self.fill(index) }
            return .busy
        }
        self.seen += 1
        let level = self.levels[index]
        let entry = Entry(
            name: name, path: level.path + name.bytes, status: status, directory: level.directory)
        let isDirectory = status.kind == .directory
        guard !self.isExcluded(entry, index) else { return .busy }
        if isDirectory {
            if self.levels.count < min(self.options.maxDepth, Self.maximumDepth) {
                self.pending = entry
            } else if self.options.maxDepth >= Self.maximumDepth {
                self.unreadable += 1
            }
        }
        let isIncluded =
            self.options.include.isEmpty
            || self.options.include.matches(
                name: name.bytes, path: entry.path[...], isDirectory: isDirectory)
        guard isIncluded else { return .busy }
        return .entry(entry)
    }

    private mutating func isExcluded(_ entry: Entry, _ index: Int) -> Bool {
        let name = entry.name.bytes
        let isDirectory = entry.status.kind == .directory
        if self.options.exclude.matches(name: name, path: entry.path[...], isDirectory: isDirectory) {
            return true
        }
        guard self.options.usesIgnoreFiles else { return false }
        if name.elementsEqual(".git".utf8) { return true }
        return self.levels[index].rules?
            .exclude(name: name, path: entry.path[...], isDirectory: isDirectory) ?? false
    }

    /// Reads on in a directory.
    private mutating func fill(_ index: Int) {
        let directory = self.levels[index].directory
        var names: [RawPath] = []
        do throws(Errno) {
            names = try directory.file.nextNames(bytes: Self.readBytes)
        } catch {
            // A directory that has been removed since it was opened has no entries any more; getdents(2).
            if error != .noSuchFileOrDirectory { self.unreadable += 1 }
        }
        self.levels[index].isRead = names.isEmpty
        let wanted = names
        let found = self.files.performQuietly(as: self.account) { resolver throws(Errno) in
            var found: [(name: RawPath, status: FileStatus)] = []
            for name in wanted {
                do throws(Errno) {
                    found.append((name, try directory.file.status(of: name)))
                } catch {
                    // What vanishes meanwhile is not there.
                    if error != .noSuchFileOrDirectory { throw error }
                }
            }
            return found
        }
        if let found {
            self.levels[index].entries = found.reversed()
        } else {
            self.unreadable += wanted.count
        }
    }

    private mutating func enter(_ entry: Entry) {
        var rules = self.levels.last?.rules
        let path = entry.path + [UInt8(ascii: "/")]
        let directory: OpenEntry?
        do throws(Errno) {
            directory = try self.files.performNow(as: self.account) { resolver throws(Errno) in
                try OpenEntry(
                    try resolver.open(
                        entry.name, in: entry.directory.file, [.readOnly, .directory, .noFollow]))
            }
        } catch {
            // What vanishes meanwhile, or becomes something else, is not there.
            if error == .noSuchFileOrDirectory || error == .notDirectory
                || error == .tooManySymbolicLinkLevels
            {
                return
            }
            directory = nil
        }
        guard let directory, !Self.isKernels(directory, below: entry.directory) else {
            self.unreadable += 1
            return
        }
        if let outer = rules {
            rules = self.files.performQuietly(as: self.account) { resolver in
                var rules = outer
                rules.enter(directory, path: path[...], resolver)
                return rules
            }
        }
        self.levels.append(Level(directory: directory, path: path, rules: rules))
    }

    /// Whether one of the kernel's file systems begins here.
    private static func isKernels(_ directory: OpenEntry, below parent: OpenEntry) -> Bool {
        guard directory.status.identity.device != parent.status.identity.device else { return false }
        guard let type = try? directory.file.fileSystemStatus().type else { return true }
        return Self.kernelFileSystems.contains(type)
    }

    /// Opens a file that was told, for reading; nil if it is no file any more.
    func open(_ entry: Entry) throws(Errno) -> OpenEntry? {
        try Self.unlessVanished { () throws(Errno) in
            let file = try self.files.performNow(as: self.account) { resolver throws(Errno) in
                try OpenEntry(
                    try resolver.open(
                        entry.name, in: entry.directory.file, OpenEntry.reading.union(.noFollow)))
            }
            return file.status.kind == .regular ? file : nil
        }
    }

    /// Where a link leads that was told; nil if it is no link any more.
    func linkTarget(of entry: Entry) throws(Errno) -> RawPath? {
        try Self.unlessVanished { () throws(Errno) in
            try self.files.performNow(as: self.account) { _ throws(Errno) in
                try entry.directory.file.linkTarget(of: entry.name)
            }
        }
    }

    /// Runs `body`; nil where there is nothing any more, or something else.
    private static func unlessVanished<Success>(
        _ body: () throws(Errno) -> Success?
    ) throws(Errno) -> Success? {
        do throws(Errno) {
            return try body()
        } catch {
            switch error {
            case .noSuchFileOrDirectory, .tooManySymbolicLinkLevels, .invalidArgument: return nil
            default: throw error
            }
        }
    }
}

extension FileAccess {
    /// ``FileAccess/performNow(as:_:)``; nil where that throws.
    func performQuietly<Success>(
        as account: Account, _ body: (FileResolver) throws(Errno) -> Success
    ) -> Success? {
        try? self.performNow(as: account, body)
    }
}

extension OwnedDescriptor {
    /// The next names of a directory that is open for reading; none at the end.
    func nextNames(bytes: Int) throws(Errno) -> [RawPath] {
        try withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 8) { buffer throws(Errno) in
            var names: [RawPath] = []
            // A part of a directory may have no other names than its own and its parent's.
            while names.isEmpty {
                let count = try self.readDirectory(into: buffer)
                guard count > 0 else { return [] }
                for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                    names.append(try RawPath(entry.name))
                }
            }
            return names
        }
    }
}
