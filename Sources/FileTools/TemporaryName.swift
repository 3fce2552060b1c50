import LinuxSystem
import SystemPackage

/// Names of files that exist for a moment.
enum TemporaryName {
    /// A name that nobody else has.
    ///
    /// - Parameter purpose: A word that tells who leaves such a file behind, if the machine stops.
    static func make(_ purpose: String) throws(Errno) -> RawPath {
        try RawPath(".envd-\(purpose)-\(String(UInt64.random(in: .min ... .max), radix: 36))")
    }
}
