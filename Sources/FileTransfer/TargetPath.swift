import Connect
import LinuxSystem
import SandboxContext
import SystemPackage

/// What the path of a request means.
///
/// Two are the same if their bytes are.
struct TargetPath: Sendable, Hashable {
    /// For responses; what is not UTF-8 is repaired.
    let text: String
    private let bytes: [UInt8]

    /// - Parameter path: As it was sent; it need not be UTF-8.
    /// - Throws: `ConnectError` with `invalidArgument` for `~name`.
    init(
        _ path: [UInt8], for account: Account, workingDirectory: String?
    ) throws(ConnectError) {
        let text = String(decoding: path, as: UTF8.self)
        if text.utf8.elementsEqual(path) {
            self.text = try SandboxPath.resolve(text, for: account, workingDirectory: workingDirectory)
            self.bytes = Array(self.text.utf8)
        } else {
            // There is nothing to expand or clean where the text is not text.
            let isAbsolute = path.first == UInt8(ascii: "/")
            self.bytes = isAbsolute ? path : Array((account.home + "/").utf8) + path
            self.text = String(decoding: self.bytes, as: UTF8.self)
        }
    }

    static func == (one: TargetPath, other: TargetPath) -> Bool { one.bytes == other.bytes }

    func hash(into hasher: inout Hasher) { hasher.combine(self.bytes) }

    /// For the kernel.
    ///
    /// - Throws: `Errno.invalidArgument` if it contains a NUL.
    func raw() throws(Errno) -> RawPath { try RawPath(self.bytes) }

    /// The last name.
    var name: String {
        let trimmed = self.text.utf8.reversed().drop { $0 == UInt8(ascii: "/") }
        let name = trimmed.prefix { $0 != UInt8(ascii: "/") }.reversed()
        if name.isEmpty { return self.text.isEmpty ? "." : "/" }
        return String(decoding: Array(name), as: UTF8.self)
    }

    /// The directories above it, from the top, without the root: by text alone. With a slash at its end, it is one of
    /// them.
    var ancestors: [[UInt8]] {
        let slash = UInt8(ascii: "/")
        let parent = Array(self.bytes[...(self.bytes.lastIndex(of: slash) ?? 0)])
        let text = String(decoding: parent, as: UTF8.self)
        let clean = text.utf8.elementsEqual(parent) ? Array(SandboxPath.clean(text).utf8) : parent
        var ancestors: [[UInt8]] = []
        var path: [UInt8] = []
        for part in clean.split(separator: slash) {
            path += [slash] + part
            ancestors.append(path)
        }
        return ancestors
    }
}
