import EnvdAPI
import LinuxSystem
import NIOCore
import SwiftProtobuf

/// What one waiting client has not been told yet. Bound to an event loop.
final class PortSubscription {
    private let port: UInt16?
    private let limit: Int
    private var open: Set<PortAddress> = []
    private var events: CircularBuffer<Envd_V1_WaitPortResponse> = []
    private var waiter: CheckedContinuation<Bool, Never>?
    private var isEnded = false
    /// The ports have been looked at.
    private(set) var hasLooked = false
    /// More has changed than the client took in time.
    private(set) var hasOverflown = false

    /// - Parameters:
    ///   - port: the only one that matters; nil for all.
    ///   - limit: events that are kept for the client.
    init(port: UInt16?, limit: Int) {
        self.port = port
        self.limit = limit
    }

    /// Takes what is open now.
    func update(_ sockets: [ListeningSocket]) {
        self.hasLooked = true
        let open = Set(sockets.map(PortAddress.init).filter { self.port == nil || $0.port == self.port })
        for gone in self.open.subtracting(open).sorted() { self.add { $0.closed = gone.message } }
        for new in open.subtracting(self.open).sorted() { self.add { $0.opened = new.message } }
        self.open = open
        self.wake(true)
    }

    private func add(_ fill: (inout Envd_V1_WaitPortResponse) -> Void) {
        guard self.events.count < self.limit else {
            self.hasOverflown = true
            return
        }
        self.events.append(.with(fill))
    }

    /// The next event that is there.
    func next() -> Envd_V1_WaitPortResponse? {
        self.events.popFirst()
    }

    /// Returns after the next look at the ports; false if there will be none.
    func changed() async -> Bool {
        if self.isEnded { return false }
        return await withCheckedContinuation { self.waiter = $0 }
    }

    /// Lets the client wait no longer.
    func end() {
        self.isEnded = true
        self.wake(false)
    }

    private func wake(_ goesOn: Bool) {
        self.waiter?.resume(returning: goesOn)
        self.waiter = nil
    }
}
