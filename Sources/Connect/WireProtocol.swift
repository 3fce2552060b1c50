/// Which protocol a call speaks.
enum WireProtocol: Sendable, Equatable {
    /// Connect's unary calls: bare messages, errors as HTTP statuses.
    case connectUnary
    /// Connect's streams: envelopes, ended by one with JSON.
    case connectStream

    /// Whether messages of this procedure go in this protocol.
    func carries(_ kind: ProcedureKind) -> Bool {
        switch self {
        case .connectUnary: kind == .unary
        case .connectStream: kind != .unary
        }
    }
}

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

    /// The value of `Accept-Post` for a procedure.
    func accepted(for kind: ProcedureKind) -> String {
        self.types.values.filter { $0.wire.carries(kind) }.map(\.name).sorted().joined(separator: ", ")
    }

    private static func canonical(_ header: String) -> String {
        header.lowercased().split(separator: ";").map { part in
            String(part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }.joined(separator: "; ")
    }
}
