package import NIOCore
import NIOHTTP1

/// The metadata service of a Firecracker machine (MMDS, version 2).
///
/// - SeeAlso: Firecracker's documentation, "Microvm Metadata Service".
package struct MetadataService: Sendable {
    /// Why it said nothing.
    enum Failure: Error, CustomStringConvertible {
        case status(UInt)
        case noToken
        case malformed

        var description: String {
            switch self {
            case .status(let code): "answered with status \(code)"
            case .noToken: "gave an empty token"
            case .malformed: "answered with something else than an object of strings"
            }
        }
    }

    /// Where it is in every machine.
    package static let address = "169.254.169.254"

    /// Seconds for which a token of the service is good.
    private static let tokenSeconds = "60"

    private let host: String
    private let port: Int
    private let eventLoop: any EventLoop

    /// The service at its address in every machine.
    package init(host: String = MetadataService.address, port: Int = 80, on eventLoop: any EventLoop) {
        self.host = host
        self.port = port
        self.eventLoop = eventLoop
    }

    /// Asks for everything it knows. Cancelling the task breaks it off.
    func fetch() async throws -> MachineMetadata {
        let token = try await self.request(
            .PUT, "/latest/api/token", ["X-metadata-token-ttl-seconds": Self.tokenSeconds])
        guard token.readableBytes > 0 else { throw Failure.noToken }
        let answer = try await self.request(
            .GET, "/", ["X-metadata-token": String(buffer: token), "Accept": "application/json"])
        guard let metadata = answer.withUnsafeReadableBytes({ MachineMetadata($0) }) else {
            throw Failure.malformed
        }
        return metadata
    }

    private func request(
        _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders
    ) async throws -> ByteBuffer {
        let url = HTTPAddress(host: self.host, port: self.port, target: target)
        let response = try await HTTPRequest(method: method, url: url, headers: headers).send(
            on: self.eventLoop)
        guard (200..<300).contains(response.status.code) else {
            throw Failure.status(response.status.code)
        }
        return response.body
    }
}
