internal import Glibc
import SystemPackage

/// A limit of inotify, for each user.
///
/// - SeeAlso: inotify(7), "/proc interfaces"; namespaces(7), "The /proc/sys/user directory".
package enum InotifyLimit: String, Sendable, CaseIterable {
    /// Watches of all instances together.
    case watches = "max_user_watches"
    case instances = "max_user_instances"
    /// Events that wait in one instance; it counts when the instance is made.
    case queuedEvents = "max_queued_events"

    private var file: String { "/proc/sys/fs/inotify/\(self.rawValue)" }

    /// The limit of the daemon's user namespace, which is another one in a container.
    private var namespaceName: String? {
        switch self {
        case .watches: "max_inotify_watches"
        case .instances: "max_inotify_instances"
        case .queuedEvents: nil
        }
    }

    /// The present value; nil if the kernel does not say.
    package var value: Int? { Self.read(self.file) }

    /// The limit that counts, by the name that `sysctl` knows it by, and its present value:
    /// `fs.inotify.max_user_watches is 8192`.
    package var text: String {
        let own = self.namespaceName.flatMap { name in
            Self.read("/proc/sys/user/\(name)").map { (name: "user.\(name)", value: $0) }
        }
        let value = self.value
        if let own, own.value < value ?? Int.max { return "\(own.name) is \(own.value)" }
        return "fs.inotify.\(self.rawValue) is \(value.map(String.init) ?? "unknown")"
    }

    /// Raises it to `value` if it is lower and this process may.
    ///
    /// - Returns: whether it was raised.
    package func raise(to value: Int) -> Bool {
        guard let present = self.value, present < value,
            let file = try? OwnedDescriptor.open(self.file, flags: O_WRONLY)
        else { return false }
        var text = "\(value)\n"
        return text.withUTF8 { (try? file.write(UnsafeRawBufferPointer($0))) == $0.count }
    }

    /// Bytes that a number has at most, with some to spare.
    private static let textBytes = 32

    private static func read(_ path: String) -> Int? {
        guard let file = try? OwnedDescriptor.open(path, flags: O_RDONLY) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: Self.textBytes, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer) else { return nil }
            let digits = buffer.prefix(count).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            return Int(String(decoding: digits, as: UTF8.self))
        }
    }
}
