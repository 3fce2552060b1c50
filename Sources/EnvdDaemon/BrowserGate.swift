package import HTTPTransport
import NIOHTTP1
import SandboxContext

/// Refuses what a page in a browser would ask of a daemon that is not meant for it: by the name under which the
/// daemon is asked (`Host`), which a page's own name that resolves to this machine would be, and by where the page comes
/// from (`Origin`).
///
/// - SeeAlso: RFC 9110, section 7.2; Fetch standard, "`Origin` header".
package struct BrowserGate: HTTPHandler {
    private let hosts: AllowedNames
    private let origins: AllowedNames
    private let next: any HTTPHandler

    /// The gate in front of `next`.
    ///
    /// - Parameters:
    ///   - hosts: names that the daemon may be asked by, without a port.
    ///   - origins: what pages may come from: `https://example.com`.
    package init(hosts: AllowedNames, origins: AllowedNames, before next: any HTTPHandler) {
        self.hosts = hosts
        self.origins = origins
        self.next = next
    }

    package func handle(_ exchange: HTTPExchange) {
        let request = exchange.request
        if !self.hosts.allowsAll {
            // Both count where a request has both: which of them is used is for others to decide.
            let names = request.headers["host"] + [Self.authority(of: request.uri)].compactMap(\.self)
            guard !names.isEmpty, names.allSatisfy({ self.hosts.allows(Self.withoutPort($0)) }) else {
                exchange.respondError(.forbidden, "this host is not allowed")
                return
            }
        }
        if !self.origins.allowsAll {
            guard request.headers["origin"].allSatisfy({ self.origins.allows($0) }) else {
                exchange.respondError(.forbidden, "this origin is not allowed")
                return
            }
        }
        self.next.handle(exchange)
    }

    /// The authority of a target in absolute form; nil in any other form.
    static func authority(of target: String) -> String? {
        guard !target.hasPrefix("/"), let slashes = target.firstRange(of: "://") else { return nil }
        let rest = target[slashes.upperBound...]
        return String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }

    /// A host without its port: `[::1]:80` is `[::1]`.
    static func withoutPort(_ authority: String) -> String {
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        guard let colon = authority[bracket...].lastIndex(of: ":") else { return authority }
        return String(authority[..<colon])
    }
}
