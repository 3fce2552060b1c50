internal import CLinuxSystem
package import SystemPackage

/// Extended attributes: of an entry of a directory, and with an empty name of the file itself, which may have been
/// opened with ``OpenFlags/pathOnly``. A link is not followed.
///
/// - SeeAlso: xattr(7).
extension OwnedDescriptor {
    /// The names of all attributes, which need not be text.
    ///
    /// - SeeAlso: listxattr(2).
    package func attributeNames(of name: RawPath = .empty) throws(Errno) -> [RawPath] {
        let bytes = try Self.grown { buffer in
            name.withCString {
                clinux_list_attributes(
                    self.rawValue, $0, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
            }
        }
        var names: [RawPath] = []
        for name in bytes.split(separator: 0) { names.append(try RawPath(name)) }
        return names
    }

    /// The value of an attribute.
    ///
    /// - SeeAlso: getxattr(2).
    package func attribute(_ attribute: RawPath, of name: RawPath = .empty) throws(Errno) -> [UInt8] {
        return try Self.grown { buffer in
            name.withCString { name in
                attribute.withCString {
                    clinux_get_attribute(self.rawValue, name, $0, buffer.baseAddress, buffer.count)
                }
            }
        }
    }

    /// Sets an attribute, whether or not it is there.
    ///
    /// - SeeAlso: setxattr(2).
    package func setAttribute(
        _ attribute: RawPath, _ value: [UInt8], of name: RawPath = .empty
    ) throws(Errno) {
        try Errno.check(
            value.withUnsafeBytes { value in
                name.withCString { name in
                    attribute.withCString {
                        clinux_set_attribute(self.rawValue, name, $0, value.baseAddress, value.count)
                    }
                }
            })
    }

    /// - SeeAlso: removexattr(2).
    package func removeAttribute(_ attribute: RawPath, of name: RawPath = .empty) throws(Errno) {
        try Errno.check(
            name.withCString { name in
                attribute.withCString { clinux_remove_attribute(self.rawValue, name, $0) }
            })
    }

    /// What `call` writes: it is asked for the size first, and again when that has grown meanwhile.
    private static func grown(
        _ call: (UnsafeMutableRawBufferPointer) -> Int
    ) throws(Errno) -> [UInt8] {
        while true {
            let size = call(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            guard size >= 0 else { throw Errno(rawValue: CInt(-size)) }
            guard size > 0 else { return [] }
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                result = call(
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<size]))
                count = max(result, 0)
            }
            if result >= 0 { return bytes }
            let error = Errno(rawValue: CInt(-result))
            guard error == .outOfRange else { throw error }
        }
    }
}
