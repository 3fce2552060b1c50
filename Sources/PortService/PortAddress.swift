import EnvdAPI
import LinuxSystem
import SwiftProtobuf

/// A port that is open on an address, by however many sockets.
struct PortAddress: Hashable, Comparable {
    var port: UInt16
    var address: String

    init(_ socket: ListeningSocket) {
        self.port = socket.port
        self.address = socket.address
    }

    static func < (first: PortAddress, second: PortAddress) -> Bool {
        (first.port, first.address) < (second.port, second.address)
    }

    var message: Envd_V1_OpenPort {
        .with {
            $0.port = UInt32(self.port)
            $0.address = self.address
        }
    }
}
