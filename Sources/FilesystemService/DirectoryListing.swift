import Connect
import EnvdAPI
import FoundationEssentials
import LinuxSystem
import NIOCore
import SandboxContext
import SwiftProtobuf
import Synchronization
import SystemPackage

/// The response of a ListDir call, made piece by piece: what has been sent is not kept.
final class DirectoryListing: Sendable {
    enum Codec: Sendable {
        case proto
        case json
    }

    /// What is listed, and how it is told.
    struct Request: Sendable {
        var path: String
        var depth: Int
        /// Entries at most; nil for all.
        var limit: Int?
        /// The path of the entry behind which it begins, from the listed directory.
        var continuation: [UInt8]
        var codec: Codec
        /// Whether only what the first SDKs know is told.
        var isReduced: Bool
    }

    private struct State {
        /// Nil before the first attempt that succeeds.
        var walk: DirectoryWalk?
        /// The listed directory's path without links.
        var realPath = ""
        var names: OwnerNames.Names?
        var json: EntryJSON?
        /// What there is of the next piece.
        var piece: [UInt8] = []
        var count = 0
        var isAtEnd = false
        /// The last entry's path, from the listed directory.
        var last: [UInt8] = []
        /// The directory of the last entry, from the listed one, and in JSON.
        var above: (path: [UInt8], json: [UInt8])?
    }

    /// Bytes of a piece that suffice.
    private static let pieceBytes = 128 << 10

    private let request: Request
    private let names: OwnerNames
    /// The path that the entries' paths begin with, ended by a slash.
    private let prefix: [UInt8]
    private let state = Mutex(State())

    init(_ request: Request, _ names: OwnerNames) {
        self.request = request
        self.names = names
        let path = SandboxPath.clean(request.path)
        self.prefix = Array((path.ends(with: "/") ? path : path + "/").utf8)
    }

    /// The next bytes of the response; nil at its end. On a thread that may block.
    ///
    /// After a failure it can be asked again, with more powers.
    func next(_ resolver: FileResolver) throws(FilesystemFailure) -> ByteBuffer? {
        try self.state.withLock { state throws(FilesystemFailure) in
            guard !state.isAtEnd else { return nil }
            if state.walk == nil { try self.begin(&state, resolver) }
            while state.piece.count < Self.pieceBytes, !state.isAtEnd { try self.advance(&state, resolver) }
            let piece = ByteBuffer(bytes: state.piece)
            state.piece.removeAll(keepingCapacity: true)
            return piece
        }
    }

    // MARK: The directory

    private func begin(_ state: inout State, _ resolver: FileResolver) throws(FilesystemFailure) {
        let place = try self.resolve(resolver)
        let realPath = place.currentPath()?.text ?? self.request.path
        do throws(Errno) {
            if try place.status().kind == .directory {
                let directory = try place.open(.current, [.readOnly, .directory])
                state.walk = try DirectoryWalk(
                    directory, depth: self.request.depth, behind: self.request.continuation)
                state.realPath = realPath
                let names = self.names.now()
                state.names = names
                state.json = EntryJSON(names, isReduced: self.request.isReduced)
                return
            }
        } catch {
            throw .unexpected("error reading directory \(realPath): open \(realPath)", error)
        }
        throw FilesystemFailure(.invalidArgument, "path is not a directory: \(realPath)")
    }

    private func resolve(_ resolver: FileResolver) throws(FilesystemFailure) -> OwnedDescriptor {
        let path = self.request.path
        do throws(Errno) {
            return try resolver.open(try RawPath(path), .pathOnly)
        } catch {
            switch error {
            case .noSuchFileOrDirectory:
                throw FilesystemFailure(
                    .notFound, "path not found: lstat \(path): \(error.lowercasedDescription)", error)
            case .tooManySymbolicLinkLevels:
                throw FilesystemFailure(
                    .failedPrecondition, "cyclic symlink or chain >255 links at \"\(path)\"", error)
            case .notDirectory:
                throw .unexpected("error resolving symlink", error)
            default:
                throw .unexpected("error resolving symlink: lstat \(path)", error)
            }
        }
    }

    // MARK: The entries

    private func advance(_ state: inout State, _ resolver: FileResolver) throws(FilesystemFailure) {
        let step: DirectoryWalk.Step?
        do throws(DirectoryWalk.Failure) {
            step = try state.walk?.next(resolver)
        } catch {
            let entry = String(decoding: error.path, as: UTF8.self)
            throw .unexpected(
                "error reading directory \(state.realPath): \(error.call) \(state.realPath)/\(entry)",
                error.errno)
        }
        guard let step else {
            try self.end(&state, continuation: [])
            return
        }
        guard state.count != self.request.limit else {
            try self.end(&state, continuation: state.last)
            return
        }
        switch self.request.codec {
        case .json: self.appendJSON(step, &state)
        case .proto: try self.appendMessage(step, &state)
        }
        state.count += 1
        if self.request.limit != nil { state.last = step.above + step.name }
    }

    private func appendJSON(_ step: DirectoryWalk.Step, _ state: inout State) {
        var above: [UInt8] = []
        if let last = state.above, last.path == step.above {
            above = last.json
        } else {
            EntryJSON.appendEscaped((self.prefix + step.above)[...], to: &above)
            state.above = (step.above, above)
        }
        state.piece += (state.count == 0 ? "{\"entries\":[" : ",").utf8
        state.json?.append(step.facts, step.name, above: above, to: &state.piece)
    }

    private func appendMessage(
        _ step: DirectoryWalk.Step, _ state: inout State
    ) throws(FilesystemFailure) {
        let path = String(decoding: self.prefix + step.above + step.name, as: UTF8.self)
        guard let names = state.names else { return }
        var entry = Filesystem_EntryInfo(step.facts, path: path, names)
        if self.request.isReduced { entry = entry.reduced }
        try self.append(.with { $0.entries = [entry] }, &state)
    }

    /// Writes the end, with where the next call goes on if that is not empty.
    private func end(_ state: inout State, continuation: [UInt8]) throws(FilesystemFailure) {
        state.isAtEnd = true
        state.walk = nil
        switch self.request.codec {
        case .json:
            state.piece += (state.count == 0 ? "{" : "]").utf8
            if !continuation.isEmpty {
                let text = Base64.encode(continuation, padding: true)
                state.piece += ",\"continuation\":\"\(text)\"".utf8
            }
            state.piece.append(UInt8(ascii: "}"))
        case .proto:
            try self.append(.with { $0.continuation = Data(continuation) }, &state)
        }
    }

    /// Appends a part of the response: the parts of a message, one behind the other, are the message.
    private func append(
        _ part: Filesystem_ListDirResponse, _ state: inout State
    ) throws(FilesystemFailure) {
        do {
            state.piece += try part.serializedBytes() as [UInt8]
        } catch {
            throw FilesystemFailure(.internalError, "marshal message: \(error)")
        }
    }
}
