import Connect
import EnvdAPI

/// Which process a request means.
enum ProcessSelection: Sendable, Equatable {
    case processID(UInt32)
    case tag(String)
    case executionID(String)

    /// - Throws: `ConnectError` with `unimplemented` if the selector names nothing.
    init(_ selector: Process_ProcessSelector) throws(ConnectError) {
        switch selector.selector {
        case .pid(let processID): self = .processID(processID)
        case .tag(let tag): self = .tag(tag)
        case .executionID(let executionID): self = .executionID(executionID)
        case .none: throw ConnectError(.unimplemented, "invalid input type *process.ProcessSelector")
        }
    }

    /// The error when there is no such process.
    var notFound: ConnectError {
        switch self {
        case .processID(let processID): ConnectError(.notFound, "process with pid \(processID) not found")
        case .tag(let tag): ConnectError(.notFound, "process with tag \(tag) not found")
        case .executionID(let executionID):
            ConnectError(.notFound, "process with execution id \(executionID) not found")
        }
    }
}
