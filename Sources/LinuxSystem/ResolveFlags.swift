internal import CLinuxSystem

/// What the kernel refuses on the way to a file.
///
/// - SeeAlso: openat2(2).
package struct ResolveFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Links that lead to an object and not to a path, as those in /proc/self/fd: `Errno.tooManySymbolicLinkLevels`.
    package static let noMagicLinks = ResolveFlags(rawValue: 0x02)
    /// All links: `Errno.tooManySymbolicLinkLevels`.
    package static let noLinks = ResolveFlags(rawValue: 0x04)

    /// Whether the kernel knows any of them: Linux 5.6.
    package static var areSupported: Bool { clinux_has_openat2() }
}
