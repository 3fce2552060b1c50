/// A version of git.
struct GitVersion: Comparable, Sendable, CustomStringConvertible {
    /// The oldest that has all that the service uses.
    static let oldest = GitVersion(major: 2, minor: 28)

    var major: Int
    var minor: Int

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `git version 2.39.5`; what follows the first two numbers is ignored.
    init?(_ line: String) {
        let prefix = "git version "
        guard line.hasPrefix(prefix) else { return nil }
        let numbers = line.dropFirst(prefix.count).split(separator: ".").prefix(2)
            .map { $0.prefix { $0.isASCII && $0.isNumber } }
        guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    static func < (one: GitVersion, other: GitVersion) -> Bool {
        (one.major, one.minor) < (other.major, other.minor)
    }

    var description: String { "\(self.major).\(self.minor)" }
}
