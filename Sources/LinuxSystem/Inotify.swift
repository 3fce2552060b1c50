internal import Glibc
package import SystemPackage

/// A queue of the kernel in which the changes of watched directories appear.
///
/// - SeeAlso: inotify(7).
package final class Inotify: Sendable {
    /// Readable when there are events; non-blocking.
    package let descriptor: OwnedDescriptor

    /// - Throws: `Errno`: `tooManyOpenFiles` at the limit of instances or descriptors.
    /// - SeeAlso: inotify_init1(2).
    package init() throws(Errno) {
        self.descriptor = OwnedDescriptor(
            taking: try retryingInterrupts { inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC)) })
    }

    /// Watches an open directory for all that changes in it, and returns its watch: the same one if it is watched
    /// already.
    ///
    /// The directory is found through the descriptor, so that no name is resolved a second time. Needs `/proc`.
    ///
    /// - Throws: `Errno`: `noSpace` at the limit of watches.
    /// - SeeAlso: inotify_add_watch(2).
    package func watch(_ directory: borrowing OwnedDescriptor) throws(Errno) -> Int32 {
        let path = "/proc/self/fd/\(directory.rawValue)"
        let mask = WatchEvent.Mask.changes.rawValue | UInt32(IN_ONLYDIR)
        return try retryingInterrupts { inotify_add_watch(self.descriptor.rawValue, path, mask) }
    }

    /// Ends a watch. One that has ended already is left alone.
    ///
    /// - SeeAlso: inotify_rm_watch(2).
    package func unwatch(_ watch: Int32) {
        _ = inotify_rm_watch(self.descriptor.rawValue, watch)
    }

    /// Bytes of events that can be read now.
    package var readyBytes: Int { PipeBuffer.readyBytes(self.descriptor.rawValue) }

    /// Bytes of one read: a thousand events or more.
    private static let readBytes = 64 << 10

    /// The next events; empty if there are none.
    ///
    /// - Returns: the events, and how many bytes they were.
    package func read() throws(Errno) -> (events: [WatchEvent], bytes: Int) {
        let result = withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 8) {
            buffer -> Result<(events: [WatchEvent], bytes: Int), Errno> in
            do throws(Errno) {
                let count = try self.descriptor.read(into: buffer)
                let events = try WatchEvent.decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
                return .success((events, count))
            } catch {
                return error == .wouldBlock ? .success(([], 0)) : .failure(error)
            }
        }
        return try result.get()
    }
}
