import Glibc
import LinuxSystem
import SystemPackage

/// A directory that ends with its owner.
final class TemporaryDirectory: Sendable {
    private let root: String

    init() throws(Errno) {
        var template = Array("/tmp/envd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        self.root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.remove(self.root)
    }

    private static func remove(_ path: String) {
        for name in Self.names(in: path) { Self.remove("\(path)/\(name)") }
        _ = Glibc.remove(path)
    }

    func path(_ name: String) -> String { "\(self.root)/\(name)" }

    func write(_ text: String, to name: String) throws(Errno) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        try OwnedDescriptor.open(self.path(name), flags: flags, mode: 0o644).writeAll(Array(text.utf8))
    }

    func read(_ name: String) throws(Errno) -> String {
        try KernelText.read(self.path(name))
    }

    var names: [String] { Self.names(in: self.root) }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// Whether the file can be run from now on.
func makeExecutable(_ path: String) -> Bool {
    chmod(path, 0o755) == 0
}
