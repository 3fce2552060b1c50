import Connect
import LinuxSystem
import SystemPackage

/// A path of an archive that leads to a place below the directory where it is unpacked.
struct ArchivePath: Sendable, Equatable {
    /// Without `.`, and without `..`.
    let names: [RawPath]

    /// - Throws: ``ToolFailure`` with `invalidArgument` for what is absolute, has `..`, or is too deep.
    init(_ bytes: [UInt8]) throws(ToolFailure) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let path = try? RawPath(bytes), !path.isEmpty, !path.isAbsolute else {
            throw Self.refused(text, "its path is absolute or empty")
        }
        var names: [RawPath] = []
        for component in path.components {
            guard let name = try? RawPath(component), name != .parent else {
                throw Self.refused(text, "its path has '..'")
            }
            if name != .current { names.append(name) }
        }
        guard names.count <= ArchiveLimits.names else { throw Self.refused(text, "it is too deep") }
        self.names = names
    }

    static func refused(_ path: String, _ reason: String) -> ToolFailure {
        ToolFailure(.invalidArgument, "cannot unpack '\(path)': \(reason)")
    }

    /// Whether a link at this path that leads to `target` stays below the directory, whatever links are on its way:
    /// `..` is only safe before all names, where it goes up from directories that are none.
    func admits(target: [UInt8]) -> Bool {
        guard let path = try? RawPath(target), !path.isEmpty, !path.isAbsolute else { return false }
        var ups = 0
        var hasName = false
        for component in path.components {
            if component.elementsEqual("..".utf8) {
                guard !hasName else { return false }
                ups += 1
            } else if !component.elementsEqual(".".utf8) {
                hasName = true
            }
        }
        return ups < self.names.count
    }
}
