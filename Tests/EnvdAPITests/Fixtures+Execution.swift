import EnvdAPI
import SwiftProtobuf

extension Fixtures {
    /// What `envd.v1.Execution` has.
    static let execution: [any Message] = [
        Envd_V1_WaitRequest.with { $0.process = Self.selector },
        Envd_V1_WaitResponse.with {
            $0.pid = 7
            $0.end = Self.ended
        },
        Envd_V1_FreezeRequest.with { $0.process = Self.selector },
        Envd_V1_FreezeResponse(),
        Envd_V1_ThawRequest.with { $0.process = Self.selector },
        Envd_V1_ThawResponse(),
    ]
}
