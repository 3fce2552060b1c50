import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// Texts of errors, as clients see them.
@Suite struct ErrnoTests {
    @Test(arguments: [
        (ENOENT, "no such file or directory"), (E2BIG, "argument list too long"),
        (EAGAIN, "resource temporarily unavailable"), (EIO, "input/output error"),
        (EDOTDOT, "RFS specific error"), (9_999, "errno 9999"),
    ])
    func `a text begins in lower case`(rawValue: Int32, text: String) {
        #expect(Errno(rawValue: rawValue).lowercasedDescription == text)
    }
}
