package import SystemPackage

/// A path, or the name of one entry, as the kernel has it: bytes, which need not be UTF-8, and no NUL.
package struct RawPath: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The path, ended by a NUL.
    private let storage: [UInt8]

    /// `text` in UTF-8.
    ///
    /// - Throws: `Errno.invalidArgument` if it contains a NUL, behind which the kernel would not look.
    package init(_ text: String) throws(Errno) {
        try self.init(text.utf8)
    }

    /// These bytes, without a NUL at the end.
    ///
    /// - Throws: `Errno.invalidArgument` if they contain a NUL.
    package init(_ bytes: some Collection<UInt8>) throws(Errno) {
        guard !bytes.contains(0) else { throw .invalidArgument }
        self.init(checked: bytes)
    }

    private init(checked bytes: some Collection<UInt8>) {
        var storage: [UInt8] = []
        storage.reserveCapacity(bytes.count + 1)
        storage.append(contentsOf: bytes)
        storage.append(0)
        self.storage = storage
    }

    /// A path that the code knows.
    ///
    /// - Precondition: There is no NUL in it.
    package init(stringLiteral text: StaticString) {
        self.init(checked: text.withUTF8Buffer { Array($0) })
    }

    /// No name: in calls that take a directory and a name, the directory itself.
    package static let empty: RawPath = ""
    package static let root: RawPath = "/"
    package static let current: RawPath = "."
    package static let parent: RawPath = ".."

    /// Without the NUL.
    package var bytes: ArraySlice<UInt8> { self.storage.dropLast() }
    package var isEmpty: Bool { self.storage.count == 1 }
    package var isAbsolute: Bool { self.storage[0] == UInt8(ascii: "/") }
    package var endsWithSlash: Bool { self.bytes.last == UInt8(ascii: "/") }

    /// The path as text; what is not UTF-8 becomes U+FFFD.
    package var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// The names between the slashes; `.` and `..` are among them, empty ones are not.
    package var components: [ArraySlice<UInt8>] {
        self.bytes.split(separator: UInt8(ascii: "/"))
    }

    /// The entry `name` of the directory that this path is.
    package func appending(_ name: RawPath) -> RawPath {
        if self.isEmpty { return name }
        if name.isEmpty { return self }
        let separator = self.endsWithSlash ? [] : [UInt8(ascii: "/")]
        return RawPath(checked: self.bytes + separator + name.bytes)
    }

    package func withCString<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try self.storage.withUnsafeBufferPointer { buffer throws(Failure) in
            try buffer.withMemoryRebound(to: CChar.self) { chars throws(Failure) in
                // The storage ends with a NUL, so that it has an address.
                try body(chars.baseAddress.unsafelyUnwrapped)
            }
        }
    }
}
