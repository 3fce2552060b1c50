internal import CLinuxSystem
package import SystemPackage

/// A terminal's size in characters; 0 by 0 means unknown.
///
/// - SeeAlso: ioctl_tty(2), `TIOCSWINSZ`.
package struct TerminalSize: Sendable, Hashable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }

    /// Makes this the size of `terminal`, either end of it; if it changes, the foreground process group gets
    /// `SIGWINCH`.
    package func apply(to terminal: borrowing OwnedDescriptor) throws(Errno) {
        try Errno.check(clinux_terminal_set_size(terminal.rawValue, self.columns, self.rows))
    }
}
