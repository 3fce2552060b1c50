import EnvdDaemon
import NIOCore
import NIOHTTP1
import SandboxContext

@testable import Connect
@testable import HTTPTransport
@testable import ProcessService

/// Input: a byte for what is parsed, maybe one for a variant, and text.
enum HeaderFuzzing {
    private static let parsers: [@Sendable (FuzzInput) throws -> Void] = [
        Self.timeout, Self.contentType, Self.credentials, Self.query, Self.encodings, Self.target,
        Self.keepalive, Self.token,
    ]
    private static let wires: [WireProtocol] = [.connectUnary, .connectStream, .grpc, .grpcWeb, .grpcWebText]
    private static let kinds: [ProcedureKind] = [.unary, .serverStream, .clientStream, .bidirectional]
    private static let contentTypes = ContentTypeTable(codecs: ConnectSettings().codecs)

    static func run(_ input: FuzzInput) throws {
        var input = input
        let parse = input.choice(of: Self.parsers)
        try parse(input)
    }

    @Sendable private static func timeout(_ input: FuzzInput) throws {
        var input = input
        let wire = input.choice(of: Self.wires)
        let headers: HTTPHeaders = ["connect-timeout-ms": input.text, "grpc-timeout": input.text]
        guard let timeout = try? RPCTimeout.of(headers, wire) else { return }
        try expect(timeout >= .zero, "a timeout is not negative")
        try expect(NIODeadline.now() + timeout < .distantFuture, "a deadline can be computed")
    }

    @Sendable private static func contentType(_ input: FuzzInput) throws {
        var input = input
        let kind = input.choice(of: Self.kinds)
        guard let type = Self.contentTypes.find(input.text, for: kind) else { return }
        try expect(type.wire.carries(kind), "the protocol has such procedures")
        let again = Self.contentTypes.find(type.name, for: kind)
        try expect(again?.name == type.name, "the name that is sent back is accepted")
        let upper = Self.contentTypes.find(input.text.uppercased(), for: kind)
        try expect(upper?.name == type.name, "case does not matter")
    }

    @Sendable private static func credentials(_ input: FuzzInput) throws {
        guard let credentials = BasicCredentials(input.text) else { return }
        let header = "BASIC " + Base64.encode("\(credentials.user):secret".utf8, padding: true)
        try expect(BasicCredentials(header) == credentials, "credentials encode and decode")
    }

    @Sendable private static func query(_ input: FuzzInput) throws {
        let get: ConnectGet
        do throws(ConnectError) {
            get = try ConnectGet(query: input.text)
        } catch {
            try expect(error.code == .invalidArgument, "a malformed query is the client's error")
            return
        }
        var pairs = get.parameters.map { (name: $0.name, value: Array($0.value.utf8)) }
        if get.parameters.first(where: { $0.name == "base64" })?.value != "1",
            let index = pairs.firstIndex(where: { $0.name == "message" })
        {
            pairs[index].value = Array(get.message.readableBytesView)  // It need not be text.
        }
        let query = pairs.map { "\(Self.escaped($0.name.utf8))=\(Self.escaped($0.value))" }
            .joined(separator: "&")
        let again = try ConnectGet(query: query)
        try expect(again.message == get.message, "the message survives")
        try expect(again.codec == get.codec && again.compression == get.compression, "the encodings survive")
        try expect(again.parameters.elementsEqual(get.parameters, by: ==), "the parameters survive")
    }

    private static func escaped(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Sendable private static func encodings(_ input: FuzzInput) throws {
        var input = input
        let wire = input.choice(of: Self.wires)
        let names = input.rest.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        var headers = HTTPHeaders()
        headers.add(name: wire.encodingHeader, value: String(decoding: names.first ?? [], as: UTF8.self))
        if names.count > 1 {
            headers.add(name: wire.acceptEncodingHeader, value: String(decoding: names[1], as: UTF8.self))
        }
        let sent = headers.first(name: wire.encodingHeader) ?? ""
        let encodings: Encodings
        do throws(ConnectError) {
            encodings = try Encodings(headers, wire, supported: ConnectSettings().compressions)
        } catch {
            try expect(error.code == .unimplemented && error.message.contains("gzip"), "\(error)")
            return
        }
        try expect(["", "identity", "gzip"].contains(sent), "an unknown encoding is refused")
        let asked = headers.contains { $0.value.contains("gzip") }
        try expect(asked || encodings.response == nil, "what nobody asked for is not compressed")
    }

    @Sendable private static func target(_ input: FuzzInput) throws {
        let target = input.text
        let (path, query) = HTTPExchange.split(target)
        try expect(!path.utf8.contains(UInt8(ascii: "?")), "a path has no query")
        let joined = Array(path.utf8) + (query.map { Array("?\($0)".utf8) } ?? [])
        if target.utf8.first == UInt8(ascii: "/") {
            try expect(joined == Array(target.utf8), "nothing of the origin form is lost")
        } else {
            let isEnd = target.utf8.reversed().starts(with: joined.reversed())
            try expect(isEnd || path == "/", "a target in absolute form ends with the path and query")
        }
    }

    @Sendable private static func keepalive(_ input: FuzzInput) throws {
        let interval = KeepaliveInterval.of(["keepalive-ping-interval": input.text])
        try expect((.seconds(1)...(.seconds(100_000_000))).contains(interval), "the interval is in range")
        try expect(NIODeadline.now() + interval < .distantFuture, "a deadline can be computed")
    }

    @Sendable private static func token(_ input: FuzzInput) throws {
        var input = input
        let length = Int(input.choice())
        let secret = Array(input.rest.prefix(length))
        let candidate = String(decoding: input.rest.dropFirst(length), as: UTF8.self)
        guard let token = try secret.withUnsafeBytes({ try AccessToken($0) }) else {
            try expect(secret.isEmpty, "only an empty secret is none")
            return
        }
        try expect(
            token.matches(candidate) == (Array(candidate.utf8) == secret), "a token matches itself only")
        try expect(
            token.matches(String(decoding: secret, as: UTF8.self))
                == (Array(String(decoding: secret, as: UTF8.self).utf8) == secret),
            "a token matches itself")
    }
}
