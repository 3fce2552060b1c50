package import HTTPTransport
import NIOCore
import NIOHTTP1
import SandboxContext

extension WorkloadFreezer {
    /// Adds `POST /freeze` and `POST /unfreeze`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.POST, "/freeze", HTTPTaskHandler(on: self.eventLoop) { await self.freeze($0) })
        routes.add(.POST, "/unfreeze", HTTPTaskHandler(on: self.eventLoop) { await self.unfreeze($0) })
    }

    /// `POST /freeze?mode=&maxCgroups=&maxWaitMs=`: freezes; with a positive `maxWaitMs` waits and tells what came
    /// of it.
    private func freeze(_ exchange: HTTPExchange) async {
        let parameters = QueryParameters(exchange.query)
        let mode: FreezeMode
        let limit: Int
        let wait: TimeAmount?
        do {
            mode = try parameters.text("mode").flatMap(FreezeMode.init) ?? .legacy
            limit = FreezeLimits.bound(try parameters.integer("maxCgroups"))
            wait = try parameters.integer("maxWaitMs").flatMap { milliseconds in
                let longest = FreezeLimits.settlingTime.nanoseconds / 1_000_000
                return milliseconds > 0 ? .milliseconds(min(milliseconds, longest)) : nil
            }
        } catch {
            exchange.respond(.badRequest, text: error.message)
            return
        }
        guard let outcome = await self.freeze(mode, limit: limit, wait: wait), !outcome.wasCancelled else {
            exchange.respond(.serviceUnavailable)
            return
        }
        if wait == nil {
            exchange.respond(.noContent)
        } else {
            exchange.respondJSON(outcome.json)
        }
    }

    /// `POST /unfreeze`: thaws.
    private func unfreeze(_ exchange: HTTPExchange) async {
        let problems = await self.thaw()
        if problems.isEmpty {
            exchange.respondDone()
        } else {
            exchange.respondError(.internalServerError, problems.joined(separator: "\n"))
        }
    }
}
