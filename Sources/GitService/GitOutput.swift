import LinuxSystem

/// What a command of git wrote, and how it ended.
struct GitOutput: Sendable {
    var standardOutput: [UInt8]
    /// The end of it, if there was more than is kept.
    var standardError: [UInt8]
    var exit: ChildExit

    var isSuccess: Bool { self.exit == .exited(0) }

    /// The exit code; -1 if a signal ended it.
    var exitCode: Int32 {
        switch self.exit {
        case .exited(let code): code
        case .signaled: -1
        }
    }

    /// Standard output as text, without the newline at its end.
    var line: String {
        let bytes = self.standardOutput
        return String(
            decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    var errorText: String { String(decoding: self.standardError, as: UTF8.self) }
}
