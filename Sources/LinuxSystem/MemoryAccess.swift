internal import CLinuxSystem
package import SystemPackage

/// Closes this process's memory: no core dump has it, and processes of the same user cannot read it through
/// `/proc` or ptrace(2). What it executes is not concerned.
///
/// - SeeAlso: prctl(2), `PR_SET_DUMPABLE`.
package func hideMemory() throws(Errno) {
    try Errno.check(clinux_hide_memory())
}
