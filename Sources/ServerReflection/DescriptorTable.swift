import Connect
import FoundationEssentials
import SwiftProtobuf

/// Files of descriptors, and what each of them declares.
struct DescriptorTable: Sendable {
    private struct File {
        var imports: [String]
        /// A `google.protobuf.FileDescriptorProto`.
        var serialized: Data
    }

    private var files: [String: File] = [:]
    /// The names of files by the full names of what they declare.
    private var declarations: [String: String] = [:]
    /// The names of files by the types and numbers that they extend.
    private var extensions: [String: [Int32: String]] = [:]
    private var messages: Set<String> = []

    /// The files of `sets`, each a serialized `google.protobuf.FileDescriptorSet` in Base64.
    init(sets: [String]) throws {
        for set in sets {
            let bytes = Base64.decode(set.utf8) ?? []
            for file in try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes).file {
                try self.add(file)
            }
        }
    }

    private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) throws {
        self.files[file.name] = File(imports: file.dependency, serialized: try file.serializedData())
        let scope = file.package.isEmpty ? "" : file.package + "."
        for message in file.messageType { self.add(message, in: scope, of: file.name) }
        for type in file.enumType { self.declarations[scope + type.name] = file.name }
        for field in file.extension { self.add(extension: field, in: scope, of: file.name) }
        for service in file.service {
            self.declarations[scope + service.name] = file.name
            for method in service.method {
                self.declarations["\(scope)\(service.name).\(method.name)"] = file.name
            }
        }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String, of file: String) {
        let name = scope + message.name
        self.declarations[name] = file
        self.messages.insert(name)
        for nested in message.nestedType { self.add(nested, in: name + ".", of: file) }
        for type in message.enumType { self.declarations["\(name).\(type.name)"] = file }
        for field in message.extension { self.add(extension: field, in: name + ".", of: file) }
    }

    private mutating func add(
        extension field: Google_Protobuf_FieldDescriptorProto, in scope: String, of file: String
    ) {
        self.declarations[scope + field.name] = file
        // The type's name is absolute, with a dot before it.
        self.extensions[String(field.extendee.drop { $0 == "." }), default: [:]][field.number] = file
    }

    /// The name of the file that declares a service, method, message, enumeration or extension.
    func file(declaring symbol: String) -> String? {
        self.declarations[symbol]
    }

    /// The name of the file that declares an extension of `type`.
    func file(extending type: String, with number: Int32) -> String? {
        self.extensions[type]?[number]
    }

    /// The numbers of all extensions of `type`; nil if there is no such message.
    func extensionNumbers(of type: String) -> [Int32]? {
        guard self.messages.contains(type) else { return nil }
        return self.extensions[type, default: [:]].keys.sorted()
    }

    /// The file `name` and all that it imports, directly or not; nil if there is no such file.
    func filesWithImports(from name: String) -> [Data]? {
        guard self.files[name] != nil else { return nil }
        var names = [name]
        var next = 0
        var found: [Data] = []
        while next < names.count {
            if let file = self.files[names[next]] {
                found.append(file.serialized)
                names += file.imports.filter { !names.contains($0) }
            }
            next += 1
        }
        return found
    }
}
