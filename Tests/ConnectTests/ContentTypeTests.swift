import NIOHTTP1
import Testing

@testable import Connect

@Suite struct ContentTypeTests {
    private let table = ContentTypeTable(codecs: [ProtoCodec(), JSONCodec()])

    @Test(arguments: [
        ("application/json", "application/json", "json"),
        ("application/json; charset=utf-8", "application/json; charset=utf-8", "json"),
        ("application/json;charset=utf-8", "application/json; charset=utf-8", "json"),
        ("Application/JSON ; Charset=UTF-8", "application/json; charset=utf-8", "json"),
        ("application/proto", "application/proto", "proto"),
    ])
    func `a unary content type is found in any case and spacing`(
        _ header: String, _ name: String, _ codec: String
    ) {
        let type = self.table.find(header, for: .unary)
        #expect(type?.name == name)
        #expect(type?.codec.name == codec)
        #expect(type?.wire == .connectUnary)
        for kind in [ProcedureKind.serverStream, .clientStream, .bidirectional] {
            #expect(self.table.find(header, for: kind) == nil)
        }
    }

    @Test(arguments: [
        ("application/connect+json", "json"), ("application/connect+json; charset=utf-8", "json"),
        ("application/connect+proto", "proto"),
    ])
    func `a streaming content type is only for streams`(_ header: String, _ codec: String) {
        for kind in [ProcedureKind.serverStream, .clientStream, .bidirectional] {
            let type = self.table.find(header, for: kind)
            #expect(type?.name == header)
            #expect(type?.codec.name == codec)
            #expect(type?.wire == .connectStream)
        }
        #expect(self.table.find(header, for: .unary) == nil)
    }

    @Test(arguments: [
        "", "text/plain", "application/xml", "application/json; charset=latin-1", "application/connect+yaml",
        "json", "application/json, application/proto", "application/", ";",
    ])
    func `other content types are not found`(_ header: String) {
        for kind in [ProcedureKind.unary, .serverStream, .clientStream, .bidirectional] {
            #expect(self.table.find(header, for: kind) == nil)
        }
    }

    @Test func `what is accepted is listed in order`() {
        let unary = self.table.accepted(for: .unary)
        let stream = self.table.accepted(for: .serverStream)
        for list in [unary, stream] {
            let names = list.split(separator: ", ").map(String.init)
            #expect(names == names.sorted())
            #expect(names.contains("application/grpc-web+json; charset=utf-8"))
        }
        #expect(unary.hasSuffix("application/json, application/json; charset=utf-8, application/proto"))
        #expect(
            stream.hasPrefix(
                "application/connect+json, application/connect+json; charset=utf-8, application/connect+proto, "
            ))
    }
}
