internal import Glibc
package import SystemPackage

/// The files of /proc and /sys, whose size is only known when they have been read.
package enum KernelText {
    private static let pieceBytes = 16 << 10

    /// The whole of a file.
    package static func read(_ path: String) throws(Errno) -> String {
        String(decoding: try Self.bytes(of: path), as: UTF8.self)
    }

    /// The same as it is there, whether it is text or not.
    package static func bytes(of path: String) throws(Errno) -> [UInt8] {
        let file = try OwnedDescriptor.open(path, flags: O_RDONLY)
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        while true {
            let count = try retryingInterrupts {
                piece.withUnsafeMutableBytes { Glibc.read(file.rawValue, $0.baseAddress, $0.count) }
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece.prefix(count))
        }
    }
}
