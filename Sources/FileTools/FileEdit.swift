import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import Synchronization
import SystemPackage

/// Replaces pieces of a file's text: the new text is written to a file beside it, which then takes its name.
///
/// On threads that may block.
struct FileEdit {
    private let request: Envd_V1_EditRequest
    private let path: String
    private var operation: String { "cannot edit '\(self.path)'" }

    init(_ request: Envd_V1_EditRequest, _ path: String) throws(ToolFailure) {
        self.request = request
        self.path = path
        guard (1...SearchLimits.replacements).contains(request.replacements.count) else {
            throw ToolFailure(
                .invalidArgument, "there have to be from 1 to \(SearchLimits.replacements) replacements")
        }
        guard request.replacements.allSatisfy({ !$0.oldText.isEmpty }) else {
            throw ToolFailure(.invalidArgument, "the text to be replaced is empty")
        }
    }

    /// - Parameter commits: Held while the file takes its name.
    func apply(
        _ resolver: FileResolver, _ commits: borrowing Mutex<Void>
    ) throws(ToolFailure) -> Envd_V1_EditResponse {
        let file = try self.open(resolver)
        let old = try trying(self.operation) { () throws(Errno) in
            try file.file.readAll(upTo: SearchLimits.editedBytes + 1)
        }
        guard old.count <= SearchLimits.editedBytes else {
            throw ToolFailure(
                .resourceExhausted, "\(self.operation): it has more than \(SearchLimits.editedBytes) bytes")
        }
        try self.check(file, old)
        var new = old
        var response = Envd_V1_EditResponse()
        for (index, replacement) in self.request.replacements.enumerated() {
            response.counts.append(try self.replace(replacement, index, in: &new))
        }
        let status = new == old ? file.status : try self.write(new, instead: file, resolver, commits)
        response.version = Envd_V1_FileVersion(status)
        response.sha256 = new.withUnsafeBytes { ContentDigest.sha256(of: $0) }
        return response
    }

    private func open(_ resolver: FileResolver) throws(ToolFailure) -> OpenEntry {
        // What may not be written may not be replaced either.
        let raw = try trying(self.operation) { () throws(Errno) in try RawPath(self.path) }
        let place = try trying(self.operation) { () throws(Errno) in
            try OpenEntry(try resolver.open(raw, .pathOnly))
        }
        guard place.status.kind == .regular else {
            throw ToolFailure(.invalidArgument, "\(self.operation): it is not a file")
        }
        let flags: OpenFlags = [.readWrite, .nonBlocking, .noControllingTerminal]
        let file = try trying(self.operation) { () throws(Errno) in
            try OpenEntry(try resolver.open(raw, flags))
        }
        guard file.status.identity == place.status.identity else { throw self.changed }
        return file
    }

    private var changed: ToolFailure {
        ToolFailure(.aborted, "\(self.operation): it is not the file that was expected")
    }

    private func check(_ file: OpenEntry, _ old: [UInt8]) throws(ToolFailure) {
        if self.request.hasExpectedVersion,
            self.request.expectedVersion != Envd_V1_FileVersion(file.status)
        {
            throw self.changed
        }
        let expected = self.request.expectedSha256
        guard
            expected.isEmpty || expected.lowercased() == old.withUnsafeBytes({ ContentDigest.sha256(of: $0) })
        else { throw self.changed }
    }

    // MARK: Text

    /// - Returns: how often it was replaced.
    private func replace(
        _ replacement: Envd_V1_Replacement, _ index: Int, in text: inout [UInt8]
    ) throws(ToolFailure) -> UInt64 {
        let old = Array(replacement.oldText.utf8)
        let new = Array(replacement.newText.utf8)
        guard let first = Self.find(old, in: text, from: 0) else {
            throw ToolFailure(
                .failedPrecondition, "\(self.operation): the text of replacement \(index) is not there")
        }
        if !replacement.all, Self.find(old, in: text, from: first + 1) != nil {
            throw ToolFailure(
                .failedPrecondition,
                "\(self.operation): the text of replacement \(index) is there more than once")
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var count: UInt64 = 0
        var from = 0
        var next: Int? = first
        while let place = next {
            result += text[from..<place]
            result += new
            from = place + old.count
            count += 1
            guard result.count <= SearchLimits.editedBytes else { break }
            next = replacement.all ? Self.find(old, in: text, from: from) : nil
        }
        guard result.count + text.count - from <= SearchLimits.editedBytes else {
            throw ToolFailure(
                .resourceExhausted,
                "\(self.operation): it would have more than \(SearchLimits.editedBytes) bytes")
        }
        result += text[from...]
        text = result
        return count
    }

    private static func find(_ text: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { bytes in
            text.withUnsafeBytes { firstIndex(of: $0, in: bytes, from: start) }
        }
    }

    // MARK: File

    /// Where the file is, whatever links lead there.
    private func location(
        of file: OpenEntry, _ resolver: FileResolver
    ) throws(ToolFailure) -> FileLocation {
        guard let path = file.file.currentPath() else { throw self.changed }
        let location = try trying(self.operation) { () throws(Errno) in try resolver.location(of: path) }
        try self.check(file, isAt: location)
        return location
    }

    /// Looks whether the file is still at its place, and what it was.
    private func check(_ file: OpenEntry, isAt location: borrowing FileLocation) throws(ToolFailure) {
        guard let now = try? location.directory.status(of: location.name),
            now.identity == file.status.identity, now.size == file.status.size,
            now.modifiedSeconds == file.status.modifiedSeconds,
            now.modifiedNanoseconds == file.status.modifiedNanoseconds
        else { throw self.changed }
    }

    private func write(
        _ text: [UInt8], instead file: OpenEntry, _ resolver: FileResolver,
        _ commits: borrowing Mutex<Void>
    ) throws(ToolFailure) -> FileStatus {
        let location = try self.location(of: file, resolver)
        let name = try trying(self.operation) { () throws(Errno) in try TemporaryName.make("edit") }
        let new = try trying(self.operation) { () throws(Errno) in
            try location.directory.open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        }
        do throws(ToolFailure) {
            let status = try trying(self.operation) { () throws(Errno) in
                try text.withUnsafeBufferPointer { bytes throws(Errno) in
                    try new.writeAll(UnsafeRawBufferPointer(bytes))
                }
                try new.takeOn(file)
                return try new.status()
            }
            let result = commits.withLock { _ in
                Result { () throws(ToolFailure) in
                    try self.check(file, isAt: location)
                    try trying(self.operation) { () throws(Errno) in
                        try location.directory.rename(name, to: location.directory, location.name)
                    }
                }
            }
            try result.get()
            return status
        } catch {
            try? location.directory.remove(name)
            throw error
        }
    }
}

extension OwnedDescriptor {
    /// Gives this file the owner, the permissions and the extended attributes of another one; those in which the
    /// kernel's security modules keep what they know of its content are not among them.
    fileprivate borrowing func takeOn(_ other: OpenEntry) throws(Errno) {
        let wanted = other.status
        let own = try self.status()
        if own.uid != wanted.uid || own.gid != wanted.gid {
            try self.setOwner(uid: wanted.uid, gid: wanted.gid)
        }
        // All but the type.
        try self.setMode(wanted.mode & 0o7777)
        for name in (try? other.file.attributeNames()) ?? [] where !name.bytes.starts(with: "security.".utf8)
        {
            try self.setAttribute(name, try other.file.attribute(name))
        }
    }
}
