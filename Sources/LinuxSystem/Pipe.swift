internal import CLinuxSystem
import SystemPackage

/// A new pipe, both ends blocking and close-on-exec.
///
/// - SeeAlso: pipe2(2).
struct Pipe: ~Copyable {
    let readEnd: OwnedDescriptor
    let writeEnd: OwnedDescriptor

    init() throws(Errno) {
        var ends: (CInt, CInt) = (-1, -1)
        try Errno.check(
            withUnsafeMutablePointer(to: &ends) {
                $0.withMemoryRebound(to: CInt.self, capacity: 2, clinux_pipe)
            })
        self.readEnd = OwnedDescriptor(taking: ends.0)
        self.writeEnd = OwnedDescriptor(taking: ends.1)
    }
}
