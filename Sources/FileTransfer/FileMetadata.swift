import NIOHTTP1

/// What a client wants to be kept with a file, as extended attributes.
struct FileMetadata: Equatable, Sendable {
    static let headerPrefix = "x-metadata-"
    /// Before a key in the name of its extended attribute.
    static let attributePrefix = "user.e2b."
    /// Bytes of a key at most: what the kernel leaves of an attribute's name.
    static let keyLimit = 246
    /// Bytes of all names and values at most.
    static let totalLimit = 4096

    /// By key.
    var values: [String: String]

    init(_ values: [String: String] = [:]) {
        self.values = values
    }

    /// Reads the headers `X-Metadata-KEY: value`; of a repeated one the first counts.
    ///
    /// - Throws: ``TransferFailure`` if they cannot be kept.
    init(_ headers: HTTPHeaders) throws(TransferFailure) {
        var values: [String: String] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            guard name.hasPrefix(Self.headerPrefix) else { continue }
            let key = String(name.dropFirst(Self.headerPrefix.count))
            if !key.isEmpty, values[key] == nil { values[key] = value }
        }
        self.values = values
        do {
            try self.validate()
        } catch {
            throw TransferFailure(.badRequest, "invalid metadata: \(error.text)")
        }
    }

    private struct Problem: Error {
        let text: String
    }

    private func validate() throws(Problem) {
        for (key, value) in self.sorted {
            guard key.utf8.count <= Self.keyLimit else {
                throw Problem(text: "metadata key \"\(key)\" exceeds \(Self.keyLimit) bytes")
            }
            try Self.requirePrintable(key, "metadata key")
            try Self.requirePrintable(value, "metadata value for key \"\(key)\"")
        }
        let total = self.values.reduce(0) {
            $0 + Self.attributePrefix.utf8.count + $1.key.utf8.count + $1.value.utf8.count
        }
        guard total <= Self.totalLimit else {
            throw Problem(text: "total metadata size \(total) exceeds \(Self.totalLimit) bytes")
        }
    }

    private static func requirePrintable(_ text: String, _ what: String) throws(Problem) {
        for (offset, byte) in text.utf8.enumerated() where !(0x20...0x7E).contains(byte) {
            let digits = String(byte, radix: 16)
            let padded = digits.count == 1 ? "0\(digits)" : digits
            throw Problem(text: "\(what) contains non-printable-ASCII byte 0x\(padded) at offset \(offset)")
        }
    }

    var isEmpty: Bool { self.values.isEmpty }

    /// In the order of the keys.
    var sorted: [(key: String, value: String)] {
        self.values.sorted { $0.key < $1.key }
    }
}
