import Connect
import Glibc
import SandboxContext
import SystemPackage
import Testing

@Suite struct ErrnoTableTests {
    @Test(arguments: [
        (ENOENT, ConnectError.Code.notFound), (EEXIST, .alreadyExists), (EACCES, .permissionDenied),
        (EPERM, .permissionDenied), (EROFS, .permissionDenied), (ENOSPC, .resourceExhausted),
        (EDQUOT, .resourceExhausted), (EMFILE, .resourceExhausted), (ENFILE, .resourceExhausted),
        (ENOMEM, .resourceExhausted), (EAGAIN, .resourceExhausted), (EINVAL, .invalidArgument),
        (ENAMETOOLONG, .invalidArgument), (ELOOP, .invalidArgument), (E2BIG, .invalidArgument),
        (ENOTDIR, .invalidArgument), (EISDIR, .invalidArgument), (ENOTEMPTY, .failedPrecondition),
        (EBUSY, .failedPrecondition), (ECANCELED, .canceled), (ETIMEDOUT, .deadlineExceeded),
        (EIO, .internalError), (EBADF, .internalError), (EPIPE, .internalError), (9999, .internalError),
    ])
    func `an errno has a code, and its text follows what was tried`(
        _ number: CInt, _ code: ConnectError.Code
    ) {
        let error = ConnectError("cannot open '/a'", Errno(rawValue: number))
        #expect(error.code == code)
        #expect(error.message.hasPrefix("cannot open '/a': "))
        #expect(error.cause as? Errno == Errno(rawValue: number))
    }

    @Test func `the texts are those of strerror, in lower case`() {
        #expect(ConnectError("x", .noSuchFileOrDirectory).message == "x: no such file or directory")
        #expect(ConnectError("x", .permissionDenied).message == "x: permission denied")
        #expect(ConnectError("x", .ioError).message == "x: input/output error")
    }

    @Test func `an attempt says what was tried only when it fails`() throws {
        var asked = 0
        func operation() -> String {
            asked += 1
            return "cannot act"
        }
        #expect(try attempt(operation()) { () throws(Errno) in 1 } == 1)
        #expect(asked == 0)
        let error = #expect(throws: ConnectError.self) {
            try attempt(operation()) { () throws(Errno) in throw .fileExists }
        }
        #expect(error?.code == .alreadyExists)
        #expect(error?.message == "cannot act: file exists")
        #expect(asked == 1)
    }
}
