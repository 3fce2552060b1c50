import LinuxSystem
import NIOHTTP1
import SystemPackage

extension UploadRequest {
    /// Gives `file` to the account, which tells watchers that it is there to be used.
    func setOwner(of file: borrowing OwnedDescriptor, _ path: TargetPath) throws(TransferFailure) {
        do throws(Errno) {
            try file.setOwner(uid: self.account.uid, gid: self.account.gid)
        } catch {
            throw TransferFailure(
                .internalServerError,
                "error changing file ownership: chown \(path.text): \(error.lowercasedDescription)",
                errno: error)
        }
    }

    /// Why a file system is too small for the upload.
    var noSpace: TransferFailure {
        let attempted = self.bodyBytes.map { $0 > 0 ? "attempted to write \($0) bytes: " : "" } ?? ""
        return TransferFailure(
            .insufficientStorage, "\(attempted)not enough disk space available", errno: .noSpace)
    }

    /// File systems that may hold more than they have room for, because they compress: btrfs, zfs, bcachefs, f2fs;
    /// linux/magic.h.
    private static let compressing: Set<Int64> = [0x9123_683E, 0x2FC1_2FC1, 0xCA45_1A4E, 0xF2F5_2010]

    /// Refuses what certainly does not fit, while nothing is lost yet.
    ///
    /// - Parameter replaced: Bytes that will be free then.
    func requireSpace(
        _ length: Int, replacing replaced: Int64, on file: borrowing OwnedDescriptor
    ) throws(TransferFailure) {
        guard length > 0, let status = try? file.fileSystemStatus(), status.totalBytes > 0,
            !Self.compressing.contains(status.type)
        else { return }
        let (room, overflows) = status.availableBytes.addingReportingOverflow(UInt64(clamping: replaced))
        guard overflows || UInt64(length) <= room else { throw self.noSpace }
    }
}
