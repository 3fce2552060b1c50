package import EnvdAPI
import LinuxSystem
package import SandboxContext
import SwiftProtobuf

extension Filesystem_EntryInfo {
    /// The entry that a client sees at `path`.
    ///
    /// Size, owner, group and times are the entry's own; type and mode are those of what a link leads to.
    package init(_ facts: EntryFacts, path: String, _ names: OwnerNames.Names) {
        self.init()
        let status = facts.status
        self.name = Self.name(of: path)
        self.path = path
        self.size = status.size
        self.permissions = status.modeText
        self.owner = names.user(status.uid)
        self.group = names.group(status.gid)
        if let time = status.protobufTime {
            self.modifiedTime = Google_Protobuf_Timestamp(
                seconds: time.seconds, nanos: Int32(time.nanoseconds))
        }
        let described = status.kind == .symbolicLink ? facts.targetStatus : status
        self.mode = described?.permissions ?? 0
        switch described?.kind {
        case .regular: self.type = .file
        case .directory: self.type = .directory
        default: self.type = .unspecified
        }
        if status.kind == .symbolicLink { self.symlinkTarget = facts.target?.text ?? path }
        self.metadata = facts.metadata
    }

    /// The last element of a path, whatever slashes end it.
    static func name(of path: String) -> String {
        let slash = UInt8(ascii: "/")
        guard let last = path.utf8.lastIndex(where: { $0 != slash }) else { return path.isEmpty ? "." : "/" }
        let whole = path.utf8[...last]
        let start = whole.lastIndex(of: slash).map { whole.index(after: $0) } ?? whole.startIndex
        return String(decoding: whole[start...], as: UTF8.self)
    }
}
