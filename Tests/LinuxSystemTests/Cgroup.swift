import Glibc
import LinuxSystem
import SystemPackage

/// A cgroup v2 made for a test, removed at the end of its owner.
final class Cgroup {
    let name: String
    private let path: String
    let descriptor: OwnedDescriptor

    /// Where the hierarchy is mounted, nil if there is none that can be written to.
    static let root: String? = {
        guard let mounts = fopen("/proc/self/mounts", "r") else { return nil }
        defer { fclose(mounts) }
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, CInt(line.count), mounts) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let fields = text.split(separator: " ")
            guard fields.count > 3, fields[2] == "cgroup2" else { continue }
            let path = String(fields[1])
            return access(path, W_OK) == 0 && access("\(path)/cgroup.procs", W_OK) == 0 ? path : nil
        }
        return nil
    }()

    init() throws {
        guard let root = Self.root else { throw Errno.notSupported }
        self.name = "linux-system-tests-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        self.path = "\(root)/\(self.name)"
        guard mkdir(self.path, 0o755) == 0 else { throw Errno(rawValue: errno) }
        self.descriptor = try OwnedDescriptor.open(self.path, flags: O_RDONLY | O_DIRECTORY)
    }

    /// Stops what is in it or comes into it, or lets it go on.
    func freeze(_ isFrozen: Bool) throws {
        let file = try OwnedDescriptor.open("\(self.path)/cgroup.freeze", flags: O_WRONLY)
        try file.writeAll(Array((isFrozen ? "1" : "0").utf8))
    }

    /// Kills what is in it, also what is stopped.
    func kill() throws {
        try OwnedDescriptor.open("\(self.path)/cgroup.kill", flags: O_WRONLY).writeAll([UInt8(ascii: "1")])
    }

    /// Waits until there is a process in it.
    func populated() throws {
        let events = try OwnedDescriptor.open("\(self.path)/cgroup.events", flags: O_RDONLY)
        while true {
            let text = try withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
                String(decoding: buffer[..<(try events.read(into: buffer, at: 0))], as: UTF8.self)
            }
            if text.contains("populated 1") { return }
            try wait(for: POLLPRI, on: events)
        }
    }

    deinit {
        rmdir(self.path)
    }
}
