import EnvdAPI
import LinuxSystem
import SwiftProtobuf

extension Google_Protobuf_Timestamp {
    /// When a file was last changed.
    init(modified status: FileStatus) {
        self.init(seconds: status.modifiedSeconds, nanos: Int32(status.modifiedNanoseconds))
    }
}

extension Envd_V1_FileVersion {
    init(_ status: FileStatus) {
        self.init()
        self.size = UInt64(clamping: status.size)
        self.modifiedTime = Google_Protobuf_Timestamp(modified: status)
        self.inode = status.identity.inode
    }
}
