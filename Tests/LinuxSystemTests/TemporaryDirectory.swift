import Glibc
import LinuxSystem
import SystemPackage

/// An empty directory that everybody may enter, removed with all that is in it at the end of its owner.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/linux-system-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        self.path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard chmod(self.path, 0o755) == 0 else { throw Errno(rawValue: errno) }
    }

    deinit {
        _ = try? FinishedChild.run(SpawnRequest(command: "/bin/rm", arguments: ["-rf", self.path]))
    }

    /// Makes a file in it and returns its path.
    func file(_ name: String, _ content: String = "", mode: UInt32) throws -> String {
        let path = "\(self.path)/\(name)"
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try send(content, to: file)
        guard fchmod(file.rawValue, mode) == 0 else { throw Errno(rawValue: errno) }
        try file.close()
        return path
    }

    /// Makes a directory in it and returns its path.
    func directory(_ name: String, mode: UInt32) throws -> String {
        let path = "\(self.path)/\(name)"
        guard mkdir(path, mode) == 0 else { throw Errno(rawValue: errno) }
        return path
    }
}
