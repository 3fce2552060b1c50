package import HTTPTransport
package import LinuxIO
import LinuxSystem
package import NIOCore
import NIOHTTP1
import SandboxContext
import SystemPackage

/// Moves the daemon's memory into huge pages before the machine is saved.
package struct HeapCollapse: Sendable {
    private let eventLoop: any EventLoop
    private let pool: BlockingPool

    package init(on eventLoop: any EventLoop, pool: BlockingPool) {
        self.eventLoop = eventLoop
        self.pool = pool
    }

    /// Adds `POST /collapse`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.POST, "/collapse", HTTPTaskHandler(on: self.eventLoop) { await self.collapse($0) })
    }

    private func collapse(_ exchange: HTTPExchange) async {
        let began = NIODeadline.now()
        let isCancelled = CancellationFlag()
        let result = await withTaskCancellationHandler {
            await self.pool.run { () -> Result<HugePageCollapse.Outcome, Errno> in
                do throws(Errno) {
                    return .success(try HugePageCollapse.run { isCancelled.isSet })
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            isCancelled.set()
        }
        switch result {
        case .success(let outcome):
            let milliseconds = (NIODeadline.now() - began).nanoseconds / 1_000_000
            exchange.respondJSON(
                """
                {"alreadyHuge":\(outcome.alreadyHuge),"chunks":\(outcome.chunks),\
                "collapsed":\(outcome.collapsed),"elapsedMs":\(milliseconds),"regions":\(outcome.regions),\
                "skipped":\(outcome.skipped)}
                """)
        case .failure(.canceled):
            exchange.respondError(.internalServerError, "context canceled")
        case .failure(let error):
            exchange.respondError(.internalServerError, error.lowercasedDescription)
        }
    }
}
