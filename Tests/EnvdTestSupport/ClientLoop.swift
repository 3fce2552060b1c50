package import NIOCore
import NIOPosix

/// Where tests' clients and timers run, apart from the servers under test.
package enum ClientLoop {
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    package static var any: any EventLoop { self.group.any() }
}
