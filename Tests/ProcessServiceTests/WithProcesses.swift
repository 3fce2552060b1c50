import Connect
import EnvdTestSupport
import HTTPTransport
import NIOCore
import SandboxContext

@testable import ProcessService

/// Serves `process.Process` while `body` runs, and kills what is left then.
func withProcesses<Result>(
    _ change: (inout OutputLimits) -> Void = { _ in },
    defaults: SandboxDefaults.State = SandboxDefaults.State(user: "root"),
    _ body: (ProcessClient) async throws -> Result
) async throws -> Result {
    var limits = OutputLimits()
    change(&limits)
    let output = limits
    let eventLoop = Children.eventLoop
    let reaper = try await Children.reaper()
    let (router, service) = try await eventLoop.submit {
        let sandbox = SandboxDefaults(defaults)
        let callers = CallerResolver(accounts: AccountCache(pool: Children.pool), defaults: sandbox)
        let service = ProcessService(
            ProcessService.Configuration(searchPath: "/usr/local/bin:/usr/bin:/bin", output: output),
            callers: callers, defaults: sandbox, reaper: reaper, eventLoop: eventLoop)
        var settings = ConnectSettings()
        settings.interceptors = [callers]
        var router = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop), settings: settings)
        service.register(in: &router)
        return (router, service)
    }.get()
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(
            try await withServer(on: eventLoop, handler: router) { try await body(ProcessClient(server: $0)) }
        )
    } catch {
        result = .failure(error)
    }
    try await eventLoop.submit {
        for process in service.table.value.all { try? process.send(9, to: .tree) }
    }.get()
    return try result.get()
}
