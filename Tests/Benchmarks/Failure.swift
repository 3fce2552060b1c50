import Glibc

/// Why a benchmark cannot go on: one line.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// `operation` failed with `errno`.
    init(_ operation: String, errno: Int32) {
        self.description = "\(operation): \(String(cString: strerror(errno)))"
    }
}
