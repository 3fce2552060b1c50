/// What a content type says: the protocol and the codec.
struct ContentType: Sendable {
    /// In lower case, as it is sent back.
    let name: String
    let wire: WireProtocol
    let codec: any Codec
}

/// The content types that a router accepts, made from its codecs.
struct ContentTypeTable: Sendable {
    private var types: [String: ContentType] = [:]

    init(codecs: [any Codec]) {
        for codec in codecs {
            var names = [codec.name]
            if codec.name == "json" { names.append("json; charset=utf-8") }
            for name in names {
                self.add("application/\(name)", .connectUnary, codec)
                self.add("application/connect+\(name)", .connectStream, codec)
                self.add("application/grpc+\(name)", .grpc, codec)
                self.add("application/grpc-web+\(name)", .grpcWeb, codec)
                self.add("application/grpc-web-text+\(name)", .grpcWebText, codec)
            }
            if codec.name == "proto" {
                self.add("application/grpc", .grpc, codec)
                self.add("application/grpc-web", .grpcWeb, codec)
                self.add("application/grpc-web-text", .grpcWebText, codec)
            }
        }
    }

    private mutating func add(_ name: String, _ wire: WireProtocol, _ codec: any Codec) {
        self.types[name] = ContentType(name: name, wire: wire, codec: codec)
    }

    /// The entry for a `Content-Type` header, in any case and spacing.
    func find(_ header: String, for kind: ProcedureKind) -> ContentType? {
        let type = self.types[header] ?? self.types[Self.canonical(header)]
        guard let type, type.wire.carries(kind) else { return nil }
        return type
    }

    /// The entry for the `encoding` of a GET.
    func find(codec name: String) -> ContentType? {
        guard let type = self.types["application/\(name)"], type.wire == .connectUnary else { return nil }
        return type
    }

    /// The value of `Accept-Post` for a procedure.
    func accepted(for kind: ProcedureKind) -> String {
        self.types.values.filter { $0.wire.carries(kind) }.map(\.name).sorted().joined(separator: ", ")
    }

    private static func canonical(_ header: String) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return header.lowercased().split(separator: ";").map { part in
            String(part.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
        }.joined(separator: "; ")
    }
}
