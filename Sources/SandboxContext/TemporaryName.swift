package import LinuxSystem
package import SystemPackage

/// Names of files that exist for a moment.
package enum TemporaryName {
    /// A name that nobody else has.
    ///
    /// - Parameter purpose: A word that tells who leaves such a file behind, if the machine stops.
    package static func make(_ purpose: String) throws(Errno) -> RawPath {
        try RawPath(".envd-\(purpose)-\(String(UInt64.random(in: .min ... .max), radix: 36))")
    }
}
