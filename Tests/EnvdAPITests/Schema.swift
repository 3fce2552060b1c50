import Connect
import EnvdAPI
import SwiftProtobuf
import Testing

/// What the .proto files declare.
struct Schema {
    /// A message's fields: their numbers and names.
    private(set) var messages: [String: [(number: Int, name: String, jsonName: String)]] = [:]
    /// The values of all enumerations: their numbers by their names.
    private(set) var enumValues: [String: Int32] = [:]

    /// The API's own files.
    init() throws {
        let bytes = try #require(Base64.decode(EnvdAPIDescriptors.base64.utf8))
        let set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        for file in set.file where !file.package.hasPrefix("google.") {
            for message in file.messageType { self.add(message, in: file.package) }
            for type in file.enumType { self.add(type) }
        }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String) {
        guard !message.options.mapEntry else { return }
        let name = "\(scope).\(message.name)"
        self.messages[name] = message.field.map { (Int($0.number), $0.name, $0.jsonName) }
        for nested in message.nestedType { self.add(nested, in: name) }
        for type in message.enumType { self.add(type) }
    }

    private mutating func add(_ type: Google_Protobuf_EnumDescriptorProto) {
        for value in type.value { self.enumValues[value.name] = value.number }
    }

    /// The numbers of the fields in a message's binary form.
    static func fieldNumbers(in bytes: [UInt8]) -> Set<Int> {
        var numbers: Set<Int> = []
        var rest = bytes[...]
        func varint() -> Int {
            var value = 0
            var shift = 0
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            return value
        }
        while !rest.isEmpty {
            let tag = varint()
            numbers.insert(tag >> 3)
            switch tag & 7 {
            case 0: _ = varint()
            case 1: rest = rest.dropFirst(8)
            case 2:
                let length = varint()
                rest = rest.dropFirst(length)
            default: rest = rest.dropFirst(4)
            }
        }
        return numbers
    }
}
