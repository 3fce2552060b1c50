package import Glibc
import SystemPackage

/// An empty directory that everybody may enter and only root may change, removed with all that is in it at the end of
/// its owner.
package final class ScratchDirectory: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/envd-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        self.path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try Self.check(chmod(self.path, 0o755))
    }

    deinit {
        var arguments = ["rm", "-rf", "--", self.path].map { (text: String) in strdup(text) } + [nil]
        var child = pid_t()
        if posix_spawn(&child, "/bin/rm", nil, nil, &arguments, nil) == 0 { waitpid(child, nil, 0) }
        for argument in arguments { free(argument) }
    }

    /// The path of what is in it under `name`.
    package func callAsFunction(_ name: String) -> String { "\(self.path)/\(name)" }

    /// Makes a file and returns its path.
    @discardableResult
    package func file(
        _ name: String, _ content: String = "", mode: mode_t = 0o644, owner: UInt32 = 0
    ) throws -> String {
        let path = self(name)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try Self.check(file)
        defer { close(file) }
        let bytes = Array(content.utf8)
        guard write(file, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
        try Self.check(fchown(file, owner, owner))
        try Self.check(fchmod(file, mode))
        return path
    }

    /// Makes a directory and returns its path.
    @discardableResult
    package func directory(_ name: String, mode: mode_t = 0o755, owner: UInt32 = 0) throws -> String {
        let path = self(name)
        try Self.check(mkdir(path, 0o700))
        try Self.check(chown(path, owner, owner))
        try Self.check(chmod(path, mode))
        return path
    }

    /// Makes a link and returns its path.
    @discardableResult
    package func link(_ name: String, to target: String, owner: UInt32 = 0) throws -> String {
        let path = self(name)
        try Self.check(symlink(target, path))
        try Self.check(lchown(path, owner, owner))
        return path
    }

    /// What is in a file.
    package func content(_ name: String) throws -> String {
        let file = open(self(name), O_RDONLY | O_CLOEXEC)
        try Self.check(file)
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(file, &buffer, buffer.count)
            try Self.check(Int32(clamping: count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// What `lstat` says of an entry; nil if there is none.
    package func status(_ name: String) -> stat? {
        var status = stat()
        return lstat(self(name), &status) == 0 ? status : nil
    }

    private static func check(_ result: CInt) throws(Errno) {
        guard result >= 0 else { throw Errno(rawValue: errno) }
    }
}
