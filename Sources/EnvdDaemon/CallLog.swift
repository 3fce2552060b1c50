import Connect
import Logging
import NIOCore
import Synchronization

/// One line in the log for each call: never a payload, never a secret.
struct CallLog: Interceptor {
    private let logger: Logger
    private let operations = Counter()

    init(logger: Logger) {
        self.logger = logger
    }

    func intercept(
        _ context: RPCContext, _ next: @escaping @Sendable (RPCContext) async throws -> Void
    ) async throws {
        let operation = self.operations.next()
        let start = NIODeadline.now()
        context.whenFinished { error in
            self.log(error == nil ? .info : .error, context, operation, start, error: error)
        }
        try await next(context)
    }

    private func log(
        _ level: Logger.Level, _ context: RPCContext, _ operation: UInt32, _ start: NIODeadline,
        error: ConnectError?
    ) {
        guard level >= self.logger.logLevel else { return }
        var metadata: Logger.Metadata = [
            "method": "POST \(context.procedure)", "operation_id": "\(operation)",
            "duration_us": "\((NIODeadline.now() - start).nanoseconds / 1000)",
        ]
        if let error {
            metadata["error"] = "\(error.message)"
            metadata["error_code"] = .stringConvertible(error.code.rawValue)
            if let cause = error.cause { metadata["cause"] = "\(cause)" }
        }
        self.logger.log(level: level, "\(Self.title(of: context.procedure))", metadata: metadata)
    }

    /// `Process start` for `/process.Process/Start`.
    private static func title(of procedure: String) -> String {
        let parts = procedure.split(separator: "/")
        guard parts.count == 2, let service = parts[0].split(separator: ".").last else { return procedure }
        return "\(service) \(parts[1].prefix(1).lowercased())\(parts[1].dropFirst())"
    }

    private final class Counter: Sendable {
        private let value = Atomic<UInt32>(0)
        func next() -> UInt32 { self.value.wrappingAdd(1, ordering: .relaxed).newValue }
    }
}
