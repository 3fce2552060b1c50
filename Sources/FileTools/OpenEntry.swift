import Connect
import LinuxSystem
import SandboxContext
import SystemPackage

/// An open file or directory, and what it is.
final class OpenEntry: Sendable {
    let file: OwnedDescriptor
    let status: FileStatus

    /// Files are opened without waiting for whoever else has to come, as in FIFOs, and do not become anybody's
    /// terminal.
    static let reading: OpenFlags = [.readOnly, .nonBlocking, .noControllingTerminal]

    init(_ file: consuming OwnedDescriptor) throws(Errno) {
        self.status = try file.status()
        self.file = file
    }

    /// Opens what a path leads to, if it is a file or a directory, for reading.
    ///
    /// - Throws: ``ToolFailure`` with `invalidArgument` if it is neither.
    static func open(_ path: String, _ resolver: FileResolver) throws(ToolFailure) -> OpenEntry {
        let operation = "cannot open '\(path)'"
        let raw = try trying(operation) { () throws(Errno) in try RawPath(path) }
        // To open a device can do something.
        let place = try trying(operation) { () throws(Errno) in
            try OpenEntry(try resolver.open(raw, .pathOnly))
        }
        try place.requireContent(path)
        let entry = try trying(operation) { () throws(Errno) in
            try OpenEntry(try resolver.open(raw, Self.reading))
        }
        try entry.requireContent(path)
        return entry
    }

    private func requireContent(_ path: String) throws(ToolFailure) {
        guard self.status.kind == .regular || self.status.kind == .directory else {
            throw ToolFailure(.invalidArgument, "'\(path)' is neither a file nor a directory")
        }
    }
}
