import Connect
internal import Glibc
import HTTPTransport
import NIOCore
import NIOHTTP1
import NIOPosix
import SwiftProtobuf

/// A server that sends back what it is sent, on a port that the kernel chooses and that it prints.
///
/// `echo-servers connect` is a Connect procedure; `echo-servers bare` is what a server on NIO alone does.
@main
enum Main {
    private static let echo = UnaryProcedure<Google_Protobuf_BytesValue, Google_Protobuf_BytesValue>(
        "benchmark.Echo", "Echo")

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let isBare = CommandLine.arguments.last == "bare"
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
            do {
                let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
                let listening =
                    isBare
                    ? BareEcho.listen(on: address, eventLoop: eventLoop)
                    : Self.listen(on: address, eventLoop: eventLoop)
                listening.whenSuccess { address in
                    let line = "listening on 127.0.0.1:\(address?.port ?? 0)\n"
                    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
                }
                listening.whenFailure { fatalError("\($0)") }
            } catch {
                fatalError("\(error)")
            }
        }
    }

    private static func listen(
        on address: SocketAddress, eventLoop: any EventLoop
    ) -> EventLoopFuture<SocketAddress?> {
        var router = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop))
        router.register(Self.echo) { request, _ in request }
        return HTTPServer.listen(on: address, eventLoop: eventLoop, handler: router).map { $0.address }
    }
}
