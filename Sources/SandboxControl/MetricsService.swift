package import HTTPTransport
import LinuxSystem
import NIOHTTP1
import SandboxContext

/// `GET /metrics`: what the sandbox uses.
package struct MetricsService: HTTPHandler {
    private let use: SystemUse

    package init(_ use: SystemUse) {
        self.use = use
    }

    /// Adds `GET /metrics`.
    package func register(in routes: inout HTTPRouter) {
        routes.add(.GET, "/metrics", self)
    }

    package func handle(_ exchange: HTTPExchange) {
        guard let sample = try? self.use.sample() else {
            exchange.respond(
                .internalServerError, ["Content-Type": "application/json", "Cache-Control": "no-store"])
            return
        }
        exchange.respondJSON(Self.json(sample))
    }

    static func json(_ sample: SystemUse.Sample) -> String {
        let (memory, disk) = (sample.memory, sample.disk)
        return """
            {"ts":\(sample.time),"cpu_count":\(sample.processors),"cpu_used_pct":\(number(sample.processorUse)),\
            "mem_total_mib":\(memory.total >> 20),"mem_used_mib":\(memory.used >> 20),"mem_total":\(memory.total),\
            "mem_used":\(memory.used),"mem_cache":\(memory.cache),"disk_used":\(disk.used),"disk_total":\(disk.total)}
            """
    }

    /// The shortest decimal number that is this one, without an empty fraction.
    static func number(_ value: Float) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
