/// What the mount of a network volume is: the options of NFS, and how people would write it.
struct VolumeMountCommand: Sendable, Equatable {
    /// Server and export: `10.0.0.1:/volume`.
    let target: String
    let path: String

    private static let bytesAtOnce = 1 << 20

    /// Options that the kernel takes.
    private static let options = [
        "hard", "rsize=\(Self.bytesAtOnce)", "wsize=\(Self.bytesAtOnce)", "mountproto=tcp", "mountport=2049",
        "proto=tcp", "port=2049", "nfsvers=3", "noacl", "noac", "lookupcache=none",
    ]

    /// The server's part of the target; nil if it has none.
    var server: String? {
        // The colons of an IPv6 address are between brackets.
        if self.target.hasPrefix("["), let end = self.target.firstRange(of: "]:/") {
            return String(self.target[..<end.lowerBound].dropFirst())
        }
        guard let end = self.target.firstRange(of: ":/"), end.lowerBound != self.target.startIndex else {
            return nil
        }
        return String(self.target[..<end.lowerBound])
    }

    /// The options as the kernel reads them, with the server's address.
    func data(address: String) -> String {
        (Self.options + ["addr=\(address)", "mountaddr=\(address)"]).joined(separator: ",")
    }

    /// The command that does the same.
    var line: String {
        "mount -v -t nfs -o fg,hard,sync,\(Self.options.dropFirst().joined(separator: ",")) "
            + "\(self.target) \(self.path)"
    }
}
