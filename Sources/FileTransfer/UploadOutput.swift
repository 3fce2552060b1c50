import LinuxSystem
import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

/// The file that an upload writes. All calls are made on threads that may block.
final class UploadOutput: Sendable {
    private let request: UploadRequest
    private let path: TargetPath
    private let files: FileAccess
    private let active: ActiveUploads
    private let opened: OpenedUpload

    private init(
        _ transfer: FileTransfer, _ request: UploadRequest, _ path: TargetPath, _ opened: OpenedUpload
    ) {
        self.request = request
        self.path = path
        self.files = transfer.files
        self.active = transfer.active
        self.opened = opened
        self.active.begin(opened)
    }

    /// Opens the file on behalf of the account, and makes the directories above it.
    ///
    /// What an existing file has is gone then, unless it is to be replaced at once.
    ///
    /// - Parameter length: Bytes that will be written, if that is known.
    static func open(
        _ transfer: FileTransfer, _ request: UploadRequest, _ path: TargetPath, length: Int?
    ) throws(TransferFailure) -> UploadOutput {
        let opened = try transfer.files.performNow(as: request.account) { resolver throws(TransferFailure) in
            try OpenedUpload.open(request, path, length: length, resolver)
        }
        return UploadOutput(transfer, request, path, opened)
    }

    /// Writes all of `bytes` behind what was written before.
    func write(_ bytes: ByteBuffer) throws(TransferFailure) {
        do throws(Errno) {
            try self.opened.file.writeAll(bytes)
        } catch {
            if error == .noSpace { throw self.request.noSpace }
            throw TransferFailure(
                .internalServerError,
                "error writing file: write \(self.path.text): \(error.lowercasedDescription)", errno: error)
        }
    }

    /// Keeps the metadata with the file, and puts it in its place.
    func finish() throws(TransferFailure) -> UploadedFile {
        let kept = try self.writeMetadata()
        if self.opened.temporary != nil {
            try self.files.performNow(as: self.request.account) { _ throws(TransferFailure) in
                try trying("error finalizing upload: rename \(self.path.text)") { () throws(Errno) in
                    try self.opened.takePlace()
                }
            }
        }
        _ = self.active.end(self.opened, isKept: true)
        return UploadedFile(name: self.path.name, path: self.path.text, metadata: kept)
    }

    /// Takes the file away if it was made for this upload; otherwise it stays as far as it was written.
    func cancel() {
        self.active.end(self.opened, isKept: false)?.remove()
    }

    /// Replaces the file's metadata.
    ///
    /// - Returns: what is kept.
    private func writeMetadata() throws(TransferFailure) -> FileMetadata {
        let wanted = self.request.metadata
        guard !wanted.isEmpty || !self.opened.isNew else { return wanted }
        do throws(Errno) {
            try wanted.replace(of: self.opened.file)
            return wanted
        } catch {
            switch error {
            case .notSupported:
                return FileMetadata()
            case .noSpace, .diskQuotaExceeded:
                throw TransferFailure(
                    .insufficientStorage,
                    "not enough space for file metadata: \(error.lowercasedDescription)",
                    errno: error)
            default:
                throw TransferFailure(
                    .internalServerError, "error writing file metadata: \(error.lowercasedDescription)",
                    errno: error)
            }
        }
    }
}

extension OwnedDescriptor {
    /// Writes all of `bytes` where the file is.
    fileprivate func writeAll(_ bytes: ByteBuffer) throws(Errno) {
        try bytes.withUnsafeReadableBytes { bytes throws(Errno) in
            var rest = bytes[...]
            while !rest.isEmpty {
                rest = rest.dropFirst(try self.write(UnsafeRawBufferPointer(rebasing: rest)))
            }
        }
    }
}

extension FileMetadata {
    /// Makes these the only metadata of `file`.
    fileprivate func replace(of file: borrowing OwnedDescriptor) throws(Errno) {
        var wanted: [(name: RawPath, value: [UInt8])] = []
        for (key, value) in self.sorted {
            wanted.append((try RawPath(Self.attributePrefix + key), Array(value.utf8)))
        }
        for name in try file.attributeNames() where name.bytes.starts(with: Self.attributePrefix.utf8) {
            if !wanted.contains(where: { $0.name == name }) { try file.removeAttribute(name) }
        }
        for (name, value) in wanted { try file.setAttribute(name, value) }
    }
}
