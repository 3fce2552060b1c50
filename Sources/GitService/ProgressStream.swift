import Connect
import EnvdAPI
import SwiftProtobuf

/// Sends progress to a client while a command runs, as fast as the client takes it, then the result.
struct ProgressStream<Response: Message>: Sendable {
    let responses: ResponseWriter<Response>
    /// Phases that wait.
    let limit: Int
    let message: @Sendable (Envd_V1_GitProgress) -> Response

    /// Runs `body`, and returns when it has ended, also if the call was cancelled before.
    func send(
        _ body:
            @escaping @Sendable (_ progress: @escaping @Sendable (GitProgress) -> Void) async throws ->
            Response
    ) async throws {
        let queue = ProgressQueue(limit: self.limit)
        async let result: Response = {
            defer { queue.finish() }
            return try await body { queue.add($0) }
        }()
        for await _ in queue.wakes {
            for update in queue.take() {
                try await self.responses.send(self.message(Envd_V1_GitProgress(update)))
            }
        }
        try await self.responses.send(try await result)
    }
}

extension Envd_V1_GitProgress {
    fileprivate init(_ progress: GitProgress) {
        self.init()
        self.phase = progress.phase
        self.remote = progress.isRemote
        if let percent = progress.percent { self.percent = percent }
        self.objects = progress.objects
        self.totalObjects = progress.total
        self.bytes = progress.bytes
        self.bytesPerSecond = progress.bytesPerSecond
        self.done = progress.isDone
    }
}
