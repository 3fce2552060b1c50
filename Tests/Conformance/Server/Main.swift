import Connect
internal import Glibc
import HTTPTransport
import LinuxSystem
import NIOCore
import NIOPosix
import SwiftProtobuf
import SystemPackage

/// The program that the runner of Connect's conformance suite drives.
///
/// It reads one `ServerCompatRequest` from standard input, serves HTTP/1.1 and h2c on a port that the kernel
/// chooses, says so with one `ServerCompatResponse` on standard output, and serves until SIGTERM or the end of
/// its parent. It does not serve TLS.
@main
enum Main {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            try setParentDeathSignal(SIGTERM)
            let request: SuiteServerCompatRequest = try StandardStreams.read()
            guard !request.useTls else { throw Refusal(reason: "TLS is not supported") }
            MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
                Self.serve(request, on: eventLoop)
            }
        } catch {
            Self.fail(error)
        }
    }

    private struct Refusal: Error, CustomStringConvertible {
        let reason: String
        var description: String { self.reason }
    }

    private static func serve(_ request: SuiteServerCompatRequest, on eventLoop: any EventLoop) {
        var settings = ConnectSettings()
        if request.messageReceiveLimit > 0 {
            settings.limits.unaryMessageBytes = Int(request.messageReceiveLimit)
            settings.limits.streamedMessageBytes = Int(request.messageReceiveLimit)
        }
        var router = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop), settings: settings)
        ConformanceService().register(in: &router)
        do {
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            HTTPServer.listen(on: address, eventLoop: eventLoop, handler: router).whenComplete { result in
                do {
                    let server = try result.get()
                    try StandardStreams.write(
                        SuiteServerCompatResponse.with { $0.port = UInt32(server.address?.port ?? 0) })
                } catch {
                    Self.fail(error)
                }
            }
        } catch {
            Self.fail(error)
        }
    }

    private static func fail(_ error: any Error) -> Never {
        _ = try? FileDescriptor.standardError.writeAll("connect-conformance-server: \(error)\n".utf8)
        exit(1)
    }
}
