internal import Glibc
import LinuxSystem
package import SystemPackage

/// The secret that requests must carry.
///
/// It is compared in constant time and has no textual form, so that no log can contain it.
package struct AccessToken: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    /// Nil for an empty secret.
    package init?(_ secret: some Sequence<UInt8>) {
        self.bytes = Array(secret)
        if self.bytes.isEmpty { return nil }
    }

    /// Bytes of a token file at most.
    private static let fileLimit = 64 << 10

    /// Reads a file whose content, without white space around it, is the secret.
    ///
    /// - Returns: nil if there is nothing in it.
    /// - Throws: `Errno` if it cannot be read.
    package static func read(from path: String) throws(Errno) -> AccessToken? {
        let file = try OwnedDescriptor.open(path, flags: O_RDONLY)
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.fileLimit, alignment: 1)
        defer {
            if let start = storage.baseAddress { explicit_bzero(start, storage.count) }
            storage.deallocate()
        }
        var count = 0
        while count < storage.count {
            let read = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: storage[count...]))
            if read == 0 { break }
            count += read
        }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        var text = UnsafeRawBufferPointer(rebasing: storage[..<count])[...]
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return AccessToken(text)
    }

    /// Whether `candidate` is the token, in a time that depends on the candidate's length alone.
    package func matches(_ candidate: String) -> Bool {
        let candidate = Array(candidate.utf8)
        var difference = UInt64(candidate.count ^ self.bytes.count)
        for (index, byte) in candidate.enumerated() {
            difference |= UInt64(byte ^ self.bytes[index % self.bytes.count])
        }
        return difference == 0
    }

    /// Not the secret.
    package var description: String { "<access token>" }
}
