internal import Glibc
import SystemPackage

/// The inputs in the directory `Corpus`.
enum Corpus {
    /// The inputs of `target` by name, in the order of names.
    static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let directory = FilePath("\(#filePath)").removingLastComponent().removingLastComponent()
            .appending("Corpus").appending(target.rawValue)
        return try Self.names(in: directory).sorted().map { name in
            (name, try Self.bytes(of: directory.appending(name)))
        }
    }

    private static func names(in directory: FilePath) throws -> [String] {
        guard let stream = opendir(directory.string) else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func bytes(of file: FilePath) throws -> [UInt8] {
        let descriptor = try FileDescriptor.open(file, .readOnly)
        return try descriptor.closeAfter {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = try piece.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                if count == 0 { return bytes }
                bytes += piece[..<count]
            }
        }
    }
}
