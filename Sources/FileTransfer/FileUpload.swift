import LinuxIO
import NIOCore
import NIOHTTP1
import SystemPackage

/// One file of an upload, from its first byte to its last.
///
/// A small file is opened when all of it is here, and written in the same visit to the pool. A larger one is opened
/// first; then its bytes are written in order, one piece at a time, while the next one is received.
struct FileUpload {
    private let transfer: FileTransfer
    private let request: UploadRequest
    private let path: TargetPath
    /// Bytes of the file; nil if they are not known before its end.
    private let length: Int?

    init(_ transfer: FileTransfer, _ request: UploadRequest, _ path: TargetPath, length: Int?) {
        self.transfer = transfer
        self.request = request
        self.path = path
        self.length = length
    }

    /// Writes what `next` gives until it gives nil.
    func receive(
        _ next: () async throws(TransferFailure) -> ByteBuffer?
    ) async throws(TransferFailure) -> UploadedFile {
        let heldBytes = self.transfer.limits.heldBytes
        let isHeld = self.request.bodyBytes != nil && (self.length ?? 0) <= heldBytes
        var held = ByteBuffer()
        while isHeld, held.readableBytes <= heldBytes {
            guard var chunk = try await next() else { return try await self.write(whole: held) }
            if held.readableBytes == 0 { held = chunk } else { held.writeBuffer(&chunk) }
        }
        let output = try await self.open(held)
        do throws(TransferFailure) {
            while let chunk = try await next() {
                try await self.transfer.pool.run { () throws(TransferFailure) in try output.write(chunk) }
            }
            return try await self.transfer.pool.run { () throws(TransferFailure) in try output.finish() }
        } catch {
            await self.transfer.pool.run { output.cancel() }
            throw error
        }
    }

    /// Opens the file and writes its beginning.
    private func open(_ beginning: ByteBuffer) async throws(TransferFailure) -> UploadOutput {
        let (transfer, request, path, length) = (self.transfer, self.request, self.path, self.length)
        return try await transfer.pool.run { () throws(TransferFailure) in
            let output = try UploadOutput.open(transfer, request, path, length: length)
            do throws(TransferFailure) {
                try output.write(beginning)
            } catch {
                output.cancel()
                throw error
            }
            return output
        }
    }

    /// Writes all of the file.
    private func write(whole content: ByteBuffer) async throws(TransferFailure) -> UploadedFile {
        let (transfer, request, path) = (self.transfer, self.request, self.path)
        return try await transfer.pool.run { () throws(TransferFailure) in
            let output = try UploadOutput.open(transfer, request, path, length: content.readableBytes)
            do throws(TransferFailure) {
                try output.write(content)
                return try output.finish()
            } catch {
                output.cancel()
                throw error
            }
        }
    }
}
