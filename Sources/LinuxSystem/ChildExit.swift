import Glibc

/// How a child ended.
///
/// - SeeAlso: wait(2).
package enum ChildExit: Sendable, Hashable {
    /// It called exit, with this code of 0 to 255.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32, coreDumped: Bool)

    /// Decodes what wait4(2) stores, of a child that has ended.
    ///
    /// Layout: bits 0 to 6 are the signal or 0, bit 7 tells of a core dump, bits 8 to 15 are the exit code.
    init(waitStatus: CInt) {
        let signal = waitStatus & 0x7f
        self =
            signal == 0
            ? .exited((waitStatus >> 8) & 0xff) : .signaled(signal, coreDumped: waitStatus & 0x80 != 0)
    }
}
