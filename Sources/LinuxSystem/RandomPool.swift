internal import CLinuxSystem
internal import Glibc
package import SystemPackage

/// The kernel's source of random numbers.
///
/// - SeeAlso: random(4).
package enum RandomPool {
    /// Mixes bytes into it, without a claim that nobody could guess them, and has new numbers depend on them.
    ///
    /// Two copies of a machine, which would draw the same numbers, draw different ones when what is mixed in differs.
    ///
    /// - Throws: `Errno`: `notPermitted` without `CAP_SYS_ADMIN`; the bytes are mixed in all the same.
    package static func stir(_ bytes: [UInt8]) throws(Errno) {
        let pool = try OwnedDescriptor.open("/dev/urandom", flags: O_WRONLY)
        try pool.writeAll(bytes)
        try Errno.check(clinux_random_reseed(pool.rawValue))
    }
}
