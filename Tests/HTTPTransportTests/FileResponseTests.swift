import EnvdTestSupport
import Glibc
import HTTPTransport
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// Responses that the kernel copies from a file.
@Suite struct FileResponseTests {
    /// An open file without a name, that holds `bytes`.
    private static func file(_ bytes: [UInt8]) throws -> CInt {
        var template = Array("/tmp/response-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(template)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            try #require(count > 0)
            rest = rest.dropFirst(count)
        }
        return descriptor
    }

    @Test func `parts of a file arrive in order between other bytes`() async throws {
        let content = Pattern.bytes(5 << 20)
        let descriptor = try Self.file(content)
        defer { close(descriptor) }
        let sent = Mailbox<Bool>()
        try await withServer(answering: { exchange in
            #expect(exchange.supportsFileRegions)
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
            exchange.begin(
                .ok, exchange.path == "/chunked" ? [:] : ["Content-Length": "\(content.count + 2)"])
            exchange.write(ByteBuffer(string: "<"))
            let promise = exchange.eventLoop.makePromise(of: Void.self)
            exchange.write(file: FileRegion(fileHandle: handle, readerIndex: 0, endIndex: 1000), promise: nil)
            exchange.write(
                file: FileRegion(fileHandle: handle, readerIndex: 1000, endIndex: content.count),
                promise: promise)
            exchange.write(ByteBuffer(string: ">"))
            exchange.end()
            promise.futureResult.whenComplete { result in
                _ = try? handle.takeDescriptorOwnership()
                sent.post((try? result.get()) != nil)
            }
        }) { server in
            let client = try await server.client()
            for path in ["/length", "/chunked"] {
                let reply = try await client.request("GET", path)
                #expect(reply.body == ByteBuffer(bytes: Array("<".utf8) + content + Array(">".utf8)))
                #expect(try await sent.next())
            }
        }
    }

    @Test func `the sender of a file learns that the client went away`() async throws {
        let descriptor = try Self.file([])
        defer { close(descriptor) }
        let length = 256 << 20
        try #require(ftruncate(descriptor, length) == 0)
        let sent = Mailbox<Bool>()
        try await withServer(answering: { exchange in
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
            let promise = exchange.eventLoop.makePromise(of: Void.self)
            exchange.begin(.ok, ["Content-Length": "\(length)"])
            exchange.write(
                file: FileRegion(fileHandle: handle, readerIndex: 0, endIndex: length), promise: promise)
            exchange.flush()
            promise.futureResult.whenComplete { result in
                _ = try? handle.takeDescriptorOwnership()
                sent.post((try? result.get()) != nil)
            }
        }) { server in
            let client = try await server.client(receiveBuffer: 64 << 10)
            try await client.sendRequest("GET", "/")
            #expect(try await client.head().status == 200)
            try await client.reset()
            #expect(try await sent.next() == false)
        }
    }
}
