import LinuxSystem

extension FileStatus {
    /// The mode in words: `-rw-r--r--`, `drwxr-xr-x`, `Lrwxrwxrwx`, `urwxr-xr-x`.
    ///
    /// Layout: every letter that applies, or `-` if none does: `d` directory, `L` link, `D` device, `p` FIFO, `S`
    /// socket, `u` set-user-ID, `g` set-group-ID, `c` character device, `t` sticky; then nine for the permissions,
    /// which the former do not change.
    var modeText: String {
        var text = ""
        switch self.kind {
        case .directory: text += "d"
        case .symbolicLink: text += "L"
        case .blockDevice, .characterDevice: text += "D"
        case .fifo: text += "p"
        case .socket: text += "S"
        case .regular, .unknown: break
        }
        if self.isSetUserID { text += "u" }
        if self.isSetGroupID { text += "g" }
        if self.kind == .characterDevice { text += "c" }
        if self.isSticky { text += "t" }
        if text.isEmpty { text = "-" }
        let letters: [Character] = ["r", "w", "x"]
        for place in 0..<9 {
            let bit: UInt32 = 0o400 >> place
            text.append(self.permissions & bit != 0 ? letters[place % 3] : "-")
        }
        return text
    }

    /// When it was changed, as far as a Timestamp can say it: in the years 1 to 9999. Nil for the epoch itself, which
    /// stands for nothing.
    ///
    /// - SeeAlso: google/protobuf/timestamp.proto.
    var protobufTime: (seconds: Int64, nanoseconds: UInt32)? {
        let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
        guard self.modifiedSeconds != 0 || self.modifiedNanoseconds != 0 else { return nil }
        let seconds = min(max(self.modifiedSeconds, range.lowerBound), range.upperBound)
        return (seconds, min(self.modifiedNanoseconds, 999_999_999))
    }
}
