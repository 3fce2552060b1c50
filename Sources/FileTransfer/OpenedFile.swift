import Connect
import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

/// A file that is open for a download, and what its response begins with.
struct OpenedFile: Sendable {
    enum Content: Sendable {
        /// All of it.
        case whole(ByteBuffer)
        /// All of it, as gzip.
        case compressed(ByteBuffer)
        /// gzip that goes on behind its first bytes, from where the file is now, and what those saved.
        case compressing(GzipMember, ByteBuffer, saved: Int)
        /// To be sent from the file, this many bytes from its beginning.
        case sized(Int)
        /// The first bytes; the rest is what the file gives from where it is now, however much that is.
        case unsized(ByteBuffer)
    }

    let content: Content
    let file: OpenFile
    /// When it was last changed, in seconds since the epoch; nil if it has no time.
    let modified: Int?
    /// The value of `Content-Type`.
    let type: String

    /// Files up to this size fit into one packet anyway.
    private static let smallBytes = 1400
    /// Bytes that tell whether the rest is worth compressing.
    private static let sampleBytes = 8 << 10

    /// Opens the file and reads its start. On a thread that may block.
    static func open(
        _ request: DownloadRequest, _ resolver: FileResolver, _ limits: TransferLimits
    ) throws(TransferFailure) -> OpenedFile {
        let path = try Self.find(request.path, resolver)
        let encoding = try request.encoding()
        let name = request.path.text
        var failure: TransferFailure
        do throws(TransferFailure) {
            let descriptor = try trying("error opening file '\(name)': open \(name)") { () throws(Errno) in
                try resolver.open(path, [.readOnly, .nonBlocking, .noControllingTerminal])
            }
            let status = try trying("error opening file '\(name)': stat \(name)") { () throws(Errno) in
                try descriptor.status()
            }
            try Self.requireRegular(status, name)
            return try Self.read(descriptor, status, request, encoding, limits)
        } catch {
            failure = error
        }
        failure.headers = DownloadRequest.varying
        throw failure
    }

    /// Finds out what the path leads to, before it is opened: opening alone does something to a device.
    private static func find(_ path: TargetPath, _ resolver: FileResolver) throws(TransferFailure) -> RawPath
    {
        let status: FileStatus
        let raw: RawPath
        do throws(Errno) {
            raw = try path.raw()
            status = try resolver.open(raw, .pathOnly).status()
        } catch {
            if error == .noSuchFileOrDirectory {
                throw TransferFailure(.notFound, "path '\(path.text)' does not exist", errno: error)
            }
            throw TransferFailure(
                .internalServerError,
                "error checking if path exists '\(path.text)': stat \(path.text): \(error.lowercasedDescription)",
                errno: error)
        }
        try Self.requireRegular(status, path.text)
        return raw
    }

    private static func requireRegular(_ status: FileStatus, _ name: String) throws(TransferFailure) {
        switch status.kind {
        case .regular: return
        case .directory: throw TransferFailure(.badRequest, "path '\(name)' is a directory")
        case .symbolicLink, .blockDevice, .characterDevice, .fifo, .socket, .unknown:
            throw TransferFailure(.badRequest, "path '\(name)' is not a regular file")
        }
    }

    private static func read(
        _ descriptor: consuming OwnedDescriptor, _ status: FileStatus, _ request: DownloadRequest,
        _ encoding: AcceptEncoding.Choice, _ limits: TransferLimits
    ) throws(TransferFailure) -> OpenedFile {
        let file = OpenFile(descriptor)
        let size = Int(status.size)
        // Of the size 0 nothing is known: that is what the files of /proc have.
        let fits = (1..<limits.startBytes).contains(size)
        let (start, isWhole) = try trying("error reading file '\(request.path.text)'") { () throws(Errno) in
            try file.readStart(upTo: fits ? size + 1 : limits.startBytes)
        }
        let named = MediaTypeTable.system.type(of: request.askedPath)
        let sniffed = ContentSniffer.type(of: start.readableBytesView)
        // A client that refuses the file as it is gets gzip at any price.
        let isForced = encoding == .gzip && request.refusesIdentity
        if encoding == .gzip, isForced || Self.isWorthwhile(start, sniffed), let member = GzipMember() {
            var output = ByteBuffer()
            member.begin(into: &output)
            member.compress(start, level: 1, into: &output)
            if isWhole { member.end(into: &output) }
            if isForced || Self.pays(output, start) {
                return OpenedFile(
                    content: isWhole
                        ? .compressed(output)
                        : .compressing(member, output, saved: start.readableBytes - output.readableBytes),
                    file: file, modified: nil, type: named ?? "application/octet-stream")
            }
        }
        let content: Content =
            isWhole ? .whole(start) : size == 0 || file.isVirtual ? .unsized(start) : .sized(size)
        let hasTime = status.modifiedSeconds != 0 || status.modifiedNanoseconds != 0
        return OpenedFile(
            content: content, file: file, modified: hasTime ? Int(status.modifiedSeconds) : nil,
            type: named ?? sniffed)
    }

    /// Whether a file that begins like this may become much smaller.
    private static func isWorthwhile(_ start: ByteBuffer, _ sniffed: String) -> Bool {
        guard start.readableBytes > Self.smallBytes else { return false }
        for kind in ["image/", "audio/", "video/", "font/", "application/zip", "application/x-"]
        where sniffed.hasPrefix(kind) && sniffed != "image/bmp" { return false }
        guard start.readableBytes > Self.sampleBytes * 2, let member = GzipMember(),
            let sample = start.getSlice(at: start.readerIndex, length: Self.sampleBytes)
        else { return true }
        var output = ByteBuffer()
        member.compress(sample, level: 1, into: &output)
        return Self.pays(output, sample)
    }

    /// Whether compressing makes enough of a difference.
    private static func pays(_ output: ByteBuffer, _ input: ByteBuffer) -> Bool {
        output.readableBytes < input.readableBytes - input.readableBytes / 8
    }
}
