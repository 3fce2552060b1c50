import Glibc

extension Client {
    /// Makes `count` exchanges in all over `clients`, each of them busy with one, and no more, until the last.
    ///
    /// - Parameters:
    ///   - end: how every response ends.
    ///   - check: looks at a client with a complete response.
    static func exchange(
        _ request: [UInt8], upTo end: StaticString, count: Int, over clients: [Client],
        check: (Client) throws -> Void
    ) throws {
        var polled = clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        for client in clients { try client.send(request) }
        var sent = clients.count
        var received = 0
        while received < count {
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { throw Failure("poll", errno: errno) }
            for (index, client) in clients.enumerated() where polled[index].revents != 0 {
                guard try client.receive() else { throw Failure("the server closed the connection") }
                guard client.ends(with: end) else { continue }
                try check(client)
                received += 1
                if sent < count {
                    try client.send(request)
                    sent += 1
                }
            }
        }
    }
}
