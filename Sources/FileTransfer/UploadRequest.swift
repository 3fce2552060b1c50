import Connect
import LinuxSystem
import NIOHTTP1
import SandboxContext

/// What holds for all files of one upload.
struct UploadRequest: Sendable {
    let account: Account
    let workingDirectory: String?
    let metadata: FileMetadata
    /// Bytes of the request's body as it is sent; nil if it does not say.
    let bodyBytes: Int?
    /// Whether what a path has so far stays until the new content is complete.
    let replacesAtomically: Bool

    /// The path that `asked` means.
    func resolve(_ asked: [UInt8]) throws(TransferFailure) -> TargetPath {
        do {
            return try TargetPath(asked, for: self.account, workingDirectory: self.workingDirectory)
        } catch {
            throw TransferFailure(.badRequest, "error resolving path: \(error.message)")
        }
    }
}
