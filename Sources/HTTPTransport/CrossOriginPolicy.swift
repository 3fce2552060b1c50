import NIOHTTP1

/// Lets pages of any origin call the server: the permissive CORS policy of sandbox daemons.
///
/// Preflights are answered here, on any path and before anything else looks at the request; other requests
/// go on to the next handler with headers that their response will carry.
///
/// - SeeAlso: Fetch standard, "HTTP extensions: CORS protocol".
public struct CrossOriginPolicy: HTTPHandler {
    private static let methods: Set<String> = ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"]
    private static let exposed =
        "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Location, Cache-Control, X-Content-Type-Options"
    /// Seconds for which a browser remembers a preflight.
    private static let maxAge = "7200"

    private let next: any HTTPHandler

    /// The policy in front of `next`.
    public init(before next: any HTTPHandler) {
        self.next = next
    }

    /// Answers a preflight, or passes the request on.
    public func handle(_ exchange: HTTPExchange) {
        let request = exchange.request
        let origin = request.headers.first(name: "origin") ?? ""
        let asked = request.headers.first(name: "access-control-request-method") ?? ""
        if request.method == .OPTIONS, !asked.isEmpty {
            exchange.respond(.noContent, Self.preflight(origin, asked, request.headers))
            return
        }
        exchange.addCommonHeader("Vary", "Origin")
        if !origin.isEmpty, Self.methods.contains(request.method.rawValue) || request.method == .OPTIONS {
            exchange.addCommonHeader("Access-Control-Allow-Origin", "*")
            exchange.addCommonHeader("Access-Control-Expose-Headers", Self.exposed)
        }
        self.next.handle(exchange)
    }

    private static func preflight(_ origin: String, _ asked: String, _ request: HTTPHeaders) -> HTTPHeaders {
        var headers: HTTPHeaders = [
            "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        ]
        guard !origin.isEmpty, Self.methods.contains(asked) || asked == "OPTIONS" else { return headers }
        headers.add(name: "Access-Control-Allow-Origin", value: "*")
        headers.add(name: "Access-Control-Allow-Methods", value: asked)
        if let names = request.first(name: "access-control-request-headers"), !names.isEmpty {
            headers.add(name: "Access-Control-Allow-Headers", value: names)
        }
        headers.add(name: "Access-Control-Max-Age", value: Self.maxAge)
        return headers
    }
}
