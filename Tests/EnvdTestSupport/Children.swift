package import LinuxIO
package import NIOCore
import NIOPosix

/// The reaper of all tests: SIGCHLD has one handler in a process.
package enum Children {
    /// Where children are watched, and what belongs to them lives.
    package static let eventLoop: any EventLoop = MultiThreadedEventLoopGroup(numberOfThreads: 1).any()
    package static let pool = BlockingPool(threads: 2)

    private static let making = Task {
        try await Self.eventLoop.submit {
            try ChildReaper(on: Self.eventLoop, pool: Self.pool, reapsAll: false)
        }.get()
    }

    package static func reaper() async throws -> ChildReaper {
        try await Self.making.value
    }
}
