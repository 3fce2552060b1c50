internal import Glibc
import LinuxSystem
package import SystemPackage

/// The secret that requests must carry.
///
/// It is kept in locked memory, compared in constant time, and has no textual form, so that no log can contain it.
package final class AccessToken: Sendable, CustomStringConvertible {
    /// Bytes of a token at most.
    package static let limit = 64 << 10

    private let secret: LockedMemory

    private init(_ secret: LockedMemory) {
        self.secret = secret
    }

    /// Takes a copy of `secret`; nil if it is empty.
    ///
    /// - Throws: `Errno`: `noMemory`; `argListTooLong` if it is longer than ``limit``.
    package convenience init?(_ secret: UnsafeRawBufferPointer) throws(Errno) {
        guard !secret.isEmpty else { return nil }
        guard secret.count <= Self.limit else { throw .argListTooLong }
        self.init(try LockedMemory(copying: secret))
    }

    /// Takes a copy of `secret`; nil if it is empty.
    ///
    /// - Throws: `Errno`: `noMemory`; `argListTooLong` if it is longer than ``limit``.
    package convenience init?(_ secret: String) throws(Errno) {
        var secret = secret
        let result: Result<LockedMemory?, Errno> = secret.withUTF8 { bytes in
            guard !bytes.isEmpty else { return .success(nil) }
            guard bytes.count <= Self.limit else { return .failure(.argListTooLong) }
            return Result { () throws(Errno) in try LockedMemory(copying: UnsafeRawBufferPointer(bytes)) }
        }
        guard let memory = try result.get() else { return nil }
        self.init(memory)
    }

    /// Reads a file whose content, without white space around it, is the secret.
    ///
    /// - Returns: nil if there is nothing in it.
    /// - Throws: `Errno` if it cannot be read.
    package static func read(from path: String) throws(Errno) -> AccessToken? {
        let file = try OwnedDescriptor.open(path, flags: O_RDONLY)
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.limit, alignment: 1)
        defer {
            wipe(storage)
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
        return try AccessToken(UnsafeRawBufferPointer(rebasing: text))
    }

    /// Lends the secret to `body`, which must leave no copy of it.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        self.secret.withBytes(body)
    }

    /// Whether `candidate` is the token, in a time that depends on the candidate's length alone.
    package func matches(_ candidate: String) -> Bool {
        self.matches(candidate.utf8)
    }

    /// Whether `candidate` is the same secret, in a time that depends on its length alone.
    package func matches(_ candidate: AccessToken) -> Bool {
        candidate.withBytes { self.matches($0) }
    }

    private func matches(_ candidate: some Collection<UInt8>) -> Bool {
        self.withBytes { secret in
            var difference = UInt64(candidate.count ^ secret.count)
            var index = 0
            for byte in candidate {
                difference |= UInt64(byte ^ secret[index])
                index = index + 1 == secret.count ? 0 : index + 1
            }
            return difference == 0
        }
    }

    /// What the metadata service of a machine says of a token: SHA-512 in lower-case hexadecimal digits, of nothing
    /// if there is to be no token.
    package static func fingerprint(of token: AccessToken?) -> String {
        guard let token else {
            return SHA2<UInt64>.hexDigest(of: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        return token.withBytes { SHA2<UInt64>.hexDigest(of: $0) }
    }

    /// Not the secret.
    package var description: String { "<access token>" }
}
