package import HTTPTransport
import LinuxIO
import LinuxSystem
package import NIOCore
import NIOHTTP1
import SandboxContext

/// Freezes and thaws the file system of the sandbox, one at a time.
///
/// It has a thread of its own: while the file system is frozen, threads that write to it stand still, and the one
/// that thaws it must not be among them.
package final class FilesystemFreezer: Sendable {
    private let path: String
    private let eventLoop: any EventLoop
    private let lock = FairLock()
    private let thread = BlockingPool(threads: 1)

    /// For the file system that `path` is on.
    package init(at path: String = "/", on eventLoop: any EventLoop) {
        self.path = path
        self.eventLoop = eventLoop
    }

    /// Adds `POST /fsfreeze` and `POST /fsthaw`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(
            .POST, "/fsfreeze",
            HTTPTaskHandler(on: self.eventLoop) { exchange in
                let failure = await self.lock.runUnlessCancelled { await self.set(true) }
                guard let failure else { return exchange.respond(.serviceUnavailable) }
                Self.answer(exchange, failure)
            })
        routes.add(
            .POST, "/fsthaw",
            HTTPTaskHandler(on: self.eventLoop) { exchange in
                Self.answer(exchange, await self.lock.run { await self.set(false) })
            })
    }

    /// Freezes or thaws.
    ///
    /// - Returns: what went wrong, a line; empty if nothing did.
    private func set(_ isFrozen: Bool) async -> String {
        let path = self.path
        return await self.thread.run {
            do throws(FilesystemFreeze.Failure) {
                try FilesystemFreeze.set(isFrozen, at: path)
                return ""
            } catch {
                return "\(error.step.rawValue) \(path): \(error.error.lowercasedDescription)"
            }
        }
    }

    private static func answer(_ exchange: HTTPExchange, _ failure: String) {
        if failure.isEmpty {
            exchange.respondDone()
        } else {
            exchange.respondError(.internalServerError, failure)
        }
    }
}
