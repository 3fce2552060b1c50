import EnvdAPI
import SwiftProtobuf

extension Fixtures {
    private static let openPort = Envd_V1_OpenPort.with {
        $0.port = 8000
        $0.address = "127.0.0.1"
    }

    /// What `envd.v1.Port` has.
    static let port: [any Message] = [
        Self.openPort,
        Envd_V1_WaitPortRequest.with {
            $0.port = 8000
            $0.follow = true
        },
        Envd_V1_WaitPortResponse.with { $0.opened = Self.openPort },
        Envd_V1_WaitPortResponse.with { $0.closed = Self.openPort },
    ]
}
