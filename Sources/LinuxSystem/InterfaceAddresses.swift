internal import Glibc

/// The addresses of this machine's network interfaces.
package enum InterfaceAddresses {
    /// Whether an interface has this IPv4 address, written as four numbers.
    ///
    /// - SeeAlso: getifaddrs(3).
    package static func contain(_ address: String) -> Bool {
        var wanted = in_addr()
        guard inet_pton(AF_INET, address, &wanted) == 1 else { return false }
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return false }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, address.pointee.sa_family == AF_INET else { continue }
            let isWanted = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                $0.pointee.sin_addr.s_addr == wanted.s_addr
            }
            if isWanted { return true }
        }
        return false
    }
}
