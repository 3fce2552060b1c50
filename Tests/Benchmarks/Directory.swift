import Glibc

/// A directory in memory, removed with the value together with the files that were named through it.
final class Directory {
    let root: String
    private var names: Set<String> = []
    private var directories: [String] = []

    init() throws {
        var template = Array("/dev/shm/envd-benchmark-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp", errno: errno) }
        self.root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The daemon acts as another user.
        chmod(self.root, 0o777)
    }

    deinit {
        for name in self.names { unlink("\(self.root)/\(name)") }
        for name in self.directories.reversed() { rmdir("\(self.root)/\(name)") }
        rmdir(self.root)
    }

    /// The path of a file.
    func path(_ name: String) -> String {
        self.names.insert(name)
        return "\(self.root)/\(name)"
    }

    /// Makes a directory.
    func makeDirectory(_ name: String) throws {
        guard mkdir("\(self.root)/\(name)", 0o777) == 0 else { throw Failure(name, errno: errno) }
        self.directories.append(name)
    }

    /// Makes an empty file.
    func create(_ name: String) throws {
        let file = open(self.path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failure(name, errno: errno) }
        close(file)
    }

    func remove(_ name: String) {
        unlink(self.path(name))
    }

    /// The bytes of a file.
    func size(_ name: String) throws -> Int {
        var status = stat()
        guard stat(self.path(name), &status) == 0 else { throw Failure(name, errno: errno) }
        return Int(status.st_size)
    }

    /// Makes a file.
    func write(_ name: String, _ content: [UInt8]) throws {
        let file = open(self.path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failure(name, errno: errno) }
        defer { close(file) }
        guard Glibc.write(file, content, content.count) == content.count else {
            throw Failure(name, errno: errno)
        }
    }
}
