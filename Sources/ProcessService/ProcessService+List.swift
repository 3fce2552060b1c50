import Connect
import EnvdAPI
import NIOCore
import SwiftProtobuf

extension ProcessService {
    /// `process.Process/List`: the processes that run, with what was asked for when they were started.
    @Sendable func list(_: Process_ListRequest, _: RPCContext) async throws -> Process_ListResponse {
        .with { response in
            response.processes = self.table.value.all.map { process in
                .with {
                    $0.config = process.config
                    $0.pid = UInt32(bitPattern: process.processID)
                    if let tag = process.origin.tag { $0.tag = tag }
                }
            }
        }
    }
}
