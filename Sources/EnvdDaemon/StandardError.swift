internal import Glibc

/// Lines for whoever started the daemon.
package enum StandardError {
    /// Bytes that a pipe takes at once when it takes any: `PIPE_BUF` (pipe(7)).
    private static let pieceBytes = 4096

    /// Writes `text` as it is. What cannot be written is lost, and so is what would have to wait: a reader that reads
    /// no more must not stop the daemon.
    package static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty, Self.hasRoom {
                let count = Glibc.write(STDERR_FILENO, start, min(rest.count, Self.pieceBytes))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    private static var hasRoom: Bool {
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) != 0
    }
}
