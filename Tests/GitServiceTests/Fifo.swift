import Glibc
import SystemPackage

/// A named pipe in a directory of its own: a script writes to it when it is where a test wants it.
final class Fifo: Sendable {
    private let directory: String
    let path: String

    init() throws {
        var template = Array("/tmp/envd-fifo-XXXXXX".utf8CString)
        guard let directory = mkdtemp(&template) else { throw Errno(rawValue: errno) }
        self.directory = String(cString: directory)
        self.path = self.directory + "/fifo"
        guard mkfifo(self.path, 0o600) == 0 else { throw Errno(rawValue: errno) }
    }

    deinit {
        unlink(self.path)
        rmdir(self.directory)
    }

    /// Blocks until somebody has written a line.
    func waitForWriter() {
        let descriptor = open(self.path, O_RDONLY)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != 10 {}
    }
}
