import LinuxSystem
import NIOHTTP1
import SandboxContext
import SystemPackage

/// One file that is made of others: beside its place first, so that nothing has changed if it fails.
///
/// All calls are made on threads that may block.
final class Composition: Sendable {
    struct Source: Sendable {
        /// As it was sent.
        let name: String
        let path: TargetPath
    }

    /// A source as it was asked for: what is wrong with it counts when its turn comes.
    typealias AskedSource = Result<Source, TransferFailure>

    /// A source that is open for reading.
    final class Input: Sendable {
        fileprivate let file: OwnedDescriptor

        fileprivate init(_ file: consuming OwnedDescriptor) {
            self.file = file
        }
    }

    /// Bytes that are copied at a time.
    private static let stepBytes = 64 << 20
    /// Bytes of a buffer where the kernel cannot copy by itself.
    private static let bufferBytes = 256 << 10
    /// Permissions of the file, before the umask.
    private static let mode: UInt32 = 0o666

    private let asked: [AskedSource]
    private let destination: TargetPath
    private let account: Account
    private let files: FileAccess

    init(_ asked: [AskedSource], _ destination: TargetPath, _ account: Account, _ files: FileAccess) {
        self.asked = asked
        self.destination = destination
        self.account = account
        self.files = files
    }

    /// The sources that can be copied.
    var sources: [Source] { self.asked.compactMap { try? $0.get() } }

    /// Checks the sources, and makes the file under a name of its own.
    func begin() throws(TransferFailure) -> OpenedUpload {
        try self.files.performNow(as: self.account) { resolver throws(TransferFailure) in
            for source in self.asked { try Self.check(source.get(), resolver) }
            try self.requireOtherSources(resolver)
            _ = try AncestorDirectories.make(of: self.destination, for: self.account, resolver)
            return try self.makeTemporary(resolver)
        }
    }

    private static func check(_ source: Source, _ resolver: FileResolver) throws(TransferFailure) {
        let status: FileStatus
        do throws(Errno) {
            status = try resolver.open(source.path.raw(), .pathOnly).status()
        } catch {
            throw TransferFailure(.notFound, "source file not found: \(source.name)", errno: error)
        }
        try Self.requireRegular(status, source)
    }

    private static func requireRegular(_ status: FileStatus, _ source: Source) throws(TransferFailure) {
        guard status.kind == .regular else {
            throw TransferFailure(.badRequest, "source path is not a regular file: \(source.name)")
        }
    }

    /// A source that is the destination by another spelling would be removed when it has been made.
    private func requireOtherSources(_ resolver: FileResolver) throws(TransferFailure) {
        guard let destination = try? self.destination.raw(),
            let place = try? resolver.location(of: destination),
            let directory = try? place.directory.status().identity
        else { return }  // Without its directory there is no source in it.
        for source in self.sources {
            guard let path = try? source.path.raw(), let other = try? resolver.location(of: path),
                other.name == place.name, (try? other.directory.status().identity) == directory
            else { continue }
            throw TransferFailure(
                .badRequest, "source path \"\(source.name)\" cannot be the same as destination")
        }
    }

    private func makeTemporary(_ resolver: FileResolver) throws(TransferFailure) -> OpenedUpload {
        let suffix = ".e2b-compose.\(Self.makeUUID()).tmp"
        let text = self.destination.text + suffix
        let place = try trying("error creating destination file: open \(text)") { () throws(Errno) in
            try resolver.location(of: self.destination.raw())
        }
        let name = try trying("error creating destination file") { () throws(Errno) in
            try RawPath(Array(place.name.bytes) + Array(suffix.utf8))
        }
        let file = try Self.reportingSpace("error creating destination file: open \(text)") {
            () throws(Errno) in
            try place.directory.open(name, [.writeOnly, .create, .exclusive], mode: Self.mode)
        }
        do throws(TransferFailure) {
            let identity = try trying("error changing file ownership: chown \(text)") { () throws(Errno) in
                try file.setOwner(uid: self.account.uid, gid: self.account.gid)
                return try file.status().identity
            }
            return OpenedUpload(file, identity, place: place, temporary: name)
        } catch {
            try? place.directory.remove(name)
            throw error
        }
    }

    /// A random identifier of the fourth version; RFC 9562.
    private static func makeUUID() -> String {
        let digits = (0..<32).map { index in
            switch index {
            case 12: "4"
            case 16: String(UInt8.random(in: 8...11), radix: 16)
            default: String(UInt8.random(in: 0...15), radix: 16)
            }
        }
        let groups = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
        return groups.map { $0.joined() }.joined(separator: "-")
    }

    /// Opens a source.
    func open(_ source: Source) throws(TransferFailure) -> Input {
        let text = source.path.text
        return try self.files.performNow(as: self.account) { resolver throws(TransferFailure) in
            let file = try trying("error opening source file \(text): open \(text)") { () throws(Errno) in
                try resolver.open(source.path.raw(), [.readOnly, .nonBlocking, .noControllingTerminal])
            }
            let status = try trying("error opening source file \(text): stat \(text)") { () throws(Errno) in
                try file.status()
            }
            try Self.requireRegular(status, source)
            return Input(file)
        }
    }

    /// Copies on.
    ///
    /// - Returns: whether there may be more.
    func copy(
        _ input: Input, of source: Source, to output: OpenedUpload
    ) throws(TransferFailure) -> Bool {
        let operation = "error composing source \(source.path.text)"
        return try Self.reportingSpace(operation) { () throws(Errno) in
            do throws(Errno) {
                if try input.file.copy(Self.stepBytes, to: output.file) > 0 { return true }
            } catch {
                switch error {
                // File systems that cannot, or not between each other.
                case .improperLink, .notSupported, .invalidArgument, .noFunction: break
                default: throw error
                }
            }
            // Where the size is not known, the kernel takes the file for empty.
            return try Self.copyBuffer(input.file, output.file) > 0
        }
    }

    private static func copyBuffer(
        _ input: borrowing OwnedDescriptor, _ output: borrowing OwnedDescriptor
    ) throws(Errno) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 64)
        defer { buffer.deallocate() }
        let count = try input.read(into: buffer)
        var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try output.write(UnsafeRawBufferPointer(rebasing: rest)))
        }
        return count
    }

    /// Puts the file in its place, and removes the sources.
    func finish(_ output: OpenedUpload) throws(TransferFailure) {
        try self.files.performNow(as: self.account) { _ throws(TransferFailure) in
            try trying("error finalizing compose: rename \(self.destination.text)") { () throws(Errno) in
                try output.takePlace()
            }
        }
        for source in self.sources {
            try? self.files.performNow(as: self.account) { resolver throws(Errno) in
                let place = try resolver.location(of: source.path.raw())
                // Somebody may have made the way to it a way to the new file.
                guard try place.directory.status(of: place.name).identity != output.identity else { return }
                try place.directory.remove(place.name)
            }
        }
    }

    /// Runs `body`; a full disk is a failure of its own.
    private static func reportingSpace<Success: ~Copyable>(
        _ operation: String, _ body: () throws(Errno) -> Success
    ) throws(TransferFailure) -> Success {
        do throws(Errno) {
            return try body()
        } catch {
            guard error == .noSpace else {
                throw TransferFailure(
                    .internalServerError, "\(operation): \(error.lowercasedDescription)", errno: error)
            }
            throw TransferFailure(
                .insufficientStorage, "not enough disk space available", errno: error)
        }
    }
}
