internal import Glibc
import LinuxSystem
import SystemPackage

/// Counts how often the machine went on after a pause, in a file that programs can watch.
struct Generation: Sendable {
    private static let name = "generation"

    private let directory: String

    init(directory: String) {
        self.directory = directory
    }

    /// What the file says; 0 if it says nothing.
    func read() -> UInt64 {
        guard let text = try? KernelText.read("\(self.directory)/\(Self.name)") else { return 0 }
        return UInt64(text.prefix { $0 != "\n" }) ?? 0
    }

    /// Writes the file anew: who reads it finds the old number or the new one.
    func write(_ number: UInt64) throws(Errno) {
        if mkdir(self.directory, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        let path = "\(self.directory)/\(Self.name)"
        let file = try OwnedDescriptor.open(
            path + ".new", flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
        try file.writeAll(Array("\(number)\n".utf8))
        guard rename(path + ".new", path) == 0 else { throw Errno(rawValue: errno) }
    }
}
