import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf
import Testing

/// The codecs make of every message what SwiftProtobuf makes of it alone, now and in the future.
@Suite struct CodecTests {
    private let proto = ProtoCodec()
    private let json = JSONCodec()
    private let schema: Schema

    init() throws {
        self.schema = try Schema()
    }

    @Test func `Every field of every message has a fixture`() throws {
        var set: [String: Set<Int>] = [:]
        for message in Fixtures.all {
            let numbers = Schema.fieldNumbers(in: try message.serializedBytes())
            set[type(of: message).protoMessageName, default: []].formUnion(numbers)
        }
        for (name, fields) in self.schema.messages {
            #expect(set[name] == Set(fields.map(\.number)), "\(name)")
        }
        #expect(set.count == self.schema.messages.count)
    }

    @Test func `Both codecs encode every message as the goldens have it, and as SwiftProtobuf does`() throws {
        let entries = try Fixtures.all.map { message in
            let binary = Array(try self.proto.encode(message).readableBytesView)
            let json = String(buffer: try self.json.encode(message))
            #expect(binary == (try message.serializedBytes() as [UInt8]))
            #expect(json == (try message.jsonString()))
            return Goldens.Entry(
                type: type(of: message).protoMessageName, binary: Goldens.hexadecimal(binary), json: json)
        }
        if Goldens.isWriting { try Goldens.write(entries) }
        let goldens = try Goldens.read()
        #expect(goldens.count == entries.count)
        for (entry, golden) in zip(entries, goldens) { #expect(entry == golden) }
    }

    @Test func `Both codecs decode every message from the goldens, as SwiftProtobuf does`() throws {
        for (message, golden) in zip(Fixtures.all, try Goldens.read()) {
            let bytes = Array(golden.json.utf8)
            try self.expectDecoded(message, self.json, bytes) { try type(of: $0).init(jsonUTF8Bytes: bytes) }
            let binary = try #require(Self.bytes(golden.binary))
            try self.expectDecoded(message, self.proto, binary) {
                try type(of: $0).init(serializedBytes: binary)
            }
        }
    }

    @Test func `JSON may name fields as the schema does`() throws {
        let names = self.schema.messages.values.joined().filter { $0.name != $0.jsonName }
        #expect(names.count > 20)
        for (message, golden) in zip(Fixtures.all, try Goldens.read()) {
            var json = golden.json
            for field in names { json = json.replacing("\"\(field.jsonName)\":", with: "\"\(field.name)\":") }
            try self.expectDecoded(message, self.json, Array(json.utf8))
        }
    }

    @Test func `JSON may have numbers for the names of enumerations`() throws {
        for (message, golden) in zip(Fixtures.all, try Goldens.read()) {
            var json = golden.json
            for (name, number) in self.schema.enumValues {
                json = json.replacing(":\"\(name)\"", with: ":\(number)")
            }
            try self.expectDecoded(message, self.json, Array(json.utf8))
        }
    }

    @Test func `JSON may have null for what is not set, and white space`() throws {
        for (message, golden) in zip(Fixtures.all, try Goldens.read()) {
            let json = golden.json.replacing(",\"", with: " ,\r\n\t\"")
            try self.expectDecoded(message, self.json, Array(json.utf8))
            let fields = try #require(self.schema.messages[type(of: message).protoMessageName])
            let nulls = fields.map { "\"\($0.jsonName)\":null" }.joined(separator: ",")
            let empty = try self.decode(like: message, self.json, Array("{\(nulls)}".utf8))
            #expect(empty.isEqualTo(message: type(of: message).init()))
        }
    }

    @Test func `Fields that the schema does not have are ignored`() throws {
        // Field 19 with 150, and field 2047 with two bytes.
        let unknown: [UInt8] = [0x98, 0x01, 0x96, 0x01, 0xFA, 0x7F, 0x02, 0x61, 0x62]
        for (message, golden) in zip(Fixtures.all, try Goldens.read()) {
            let comma = golden.json == "{}" ? "" : ","
            let json = golden.json.replacing(
                "{", with: "{\"unknownField\":{\"a\":[1,\"x\",null,{\"b\":true}]}\(comma)", maxReplacements: 1
            )
            try self.expectDecoded(message, self.json, Array(json.utf8))

            let binary = unknown + (try #require(Self.bytes(golden.binary)))
            var decoded = try self.decode(like: message, self.proto, binary)
            #expect(String(buffer: try self.json.encode(decoded)) == golden.json)
            decoded.unknownFields = UnknownStorage()
            #expect(decoded.isEqualTo(message: message))
        }
    }

    @Test func `Maps may have many entries`() throws {
        let names = (0..<100).map { "\"name\($0)\":\"\($0)\"" }.joined(separator: ",")
        let json = ByteBuffer(string: "{\"cmd\":\"a\",\"envs\":{\(names)}}")
        let message = try self.json.decode(Process_ProcessConfig.self, from: json)
        #expect(message.envs.count == 100)
        for codec: any Codec in [self.proto, self.json] {
            let again = try codec.decode(Process_ProcessConfig.self, from: try codec.encode(message))
            #expect(again == message)
        }
    }

    private func expectDecoded(
        _ message: any Message, _ codec: any Codec, _ bytes: [UInt8],
        _ alone: ((any Message) throws -> any Message)? = nil
    ) throws {
        let decoded = try self.decode(like: message, codec, bytes)
        #expect(decoded.isEqualTo(message: message), "\(String(decoding: bytes, as: UTF8.self))")
        if let alone { #expect(try alone(message).isEqualTo(message: decoded)) }
    }

    /// A message of the same type as `message`.
    private func decode<M: Message>(like message: M, _ codec: any Codec, _ bytes: [UInt8]) throws
        -> any Message
    {
        try codec.decode(M.self, from: ByteBuffer(bytes: bytes))
    }

    /// The bytes of hexadecimal digits.
    private static func bytes(_ digits: String) -> [UInt8]? {
        var rest = digits[...]
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
