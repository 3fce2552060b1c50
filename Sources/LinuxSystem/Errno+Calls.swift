import Glibc
import SystemPackage

extension Errno {
    /// What the last failed call of this thread left. Read it on the line after that call.
    static var current: Errno {
        Errno(rawValue: errno)
    }

    /// Throws unless `code`, the result of a function that returns an errno, is 0.
    static func check(_ code: CInt) throws(Errno) {
        guard code == 0 else { throw Errno(rawValue: code) }
    }
}

/// Makes a system call again for as long as a signal interrupts it.
///
/// - Returns: What the call returned, never negative.
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = Errno.current
        guard error == .interrupted else { throw error }
    }
}
