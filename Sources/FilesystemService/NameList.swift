import LinuxSystem
import SystemPackage

/// The names in a directory, in as few bytes as they need.
struct NameList {
    /// Bytes of all names that are kept at most.
    private static let byteLimit = 512 << 20

    /// Bytes of entries that are read at once.
    private static let bufferBytes = 32 << 10

    /// All names, each ended by a NUL.
    private var bytes: [UInt8] = []
    /// Where each begins.
    private var starts: [UInt32] = []

    /// The names in a directory that is open for reading, from its first entry on, in the order in which they come.
    ///
    /// - Throws: `Errno`: `noMemory` if there are too many; `noSuchFileOrDirectory` if others have removed the directory
    ///   since it was opened.
    init(of directory: borrowing OwnedDescriptor) throws(Errno) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = try directory.readDirectory(into: buffer)
            guard count > 0 else { return }
            for entry in DirectoryEntries(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                try self.append(entry.name)
            }
        }
    }

    init() {}

    /// The same, and none if others have removed the directory since it was opened.
    init(ofWhatIsLeftOf directory: borrowing OwnedDescriptor) throws(Errno) {
        do throws(Errno) {
            try self.init(of: directory)
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            self.init()
        }
    }

    var count: Int { self.starts.count }

    /// The bytes of a name.
    subscript(position: Int) -> ArraySlice<UInt8> {
        let start = Int(self.starts[position])
        let end = self.bytes[start...].firstIndex(of: 0) ?? self.bytes.endIndex
        return self.bytes[start..<end]
    }

    /// Adds a name.
    ///
    /// - Throws: `Errno.noMemory` if there are too many.
    mutating func append(_ name: UnsafeRawBufferPointer) throws(Errno) {
        guard self.bytes.count + name.count < Self.byteLimit else { throw .noMemory }
        self.starts.append(UInt32(self.bytes.count))
        self.bytes.append(contentsOf: name)
        self.bytes.append(0)
    }

    /// Brings the names into bytewise order, each once: a tmpfs begins again from its first entry when the one that
    /// would be next is removed meanwhile.
    mutating func sort() {
        self.bytes.withUnsafeBufferPointer { bytes in
            /// Where two names differ.
            func difference(_ one: UInt32, _ other: UInt32) -> (one: UInt8, other: UInt8) {
                var (one, other) = (Int(one), Int(other))
                while bytes[one] == bytes[other], bytes[one] != 0 {
                    one += 1
                    other += 1
                }
                return (bytes[one], bytes[other])
            }
            self.starts.sort {
                let (one, other) = difference($0, $1)
                return one < other
            }
            var kept = min(1, self.starts.count)
            for position in self.starts.indices.dropFirst() {
                let start = self.starts[position]
                let (last, next) = difference(self.starts[kept - 1], start)
                guard last != next else { continue }
                self.starts[kept] = start
                kept += 1
            }
            self.starts.removeLast(self.starts.count - kept)
        }
    }

    /// The first position whose name is not before `name`, in names that are in order.
    func position(of name: ArraySlice<UInt8>) -> Int {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
