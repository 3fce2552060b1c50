import HTTPTransport
import NIOCore
import NIOHTTP1

/// `GET /openapi.json`: the routes of plain HTTP, for machines. What is routed is described, but for
/// ``hidden``, and nothing else is.
///
/// - SeeAlso: OpenAPI Specification 3.0.0.
struct OpenAPIDocument: HTTPHandler {
    /// Paths that are routed and not described: those of hosts that know the daemon anyway.
    private static let hidden: Set<String> = ["/upgrade"]

    private let body: ByteBuffer

    /// A document of paths and their methods.
    init(_ routes: [(path: String, methods: [HTTPMethod])]) {
        self.body = ByteBuffer(string: Self.json(routes))
    }

    /// Adds `GET /openapi.json` with all that is in `routes`, itself too.
    static func register(in routes: inout HTTPRouter) {
        let path = "/openapi.json"
        routes.add(.GET, path, HTTPClosureHandler { $0.respondNotFound() })
        routes.add(.GET, path, OpenAPIDocument(routes.table.filter { !Self.hidden.contains($0.path) }))
    }

    func handle(_ exchange: HTTPExchange) {
        exchange.respond(.ok, ["Content-Type": "application/json"], body: self.body)
    }

    static func json(_ routes: [(path: String, methods: [HTTPMethod])]) -> String {
        let paths = routes.map { path, methods in
            let operations = methods.map(\.rawValue).sorted().map { method in
                let operation = Self.operations["\(method) \(path)"]
                return "\"\(method.lowercased())\":\(operation?.json ?? "{\"responses\":{}}")"
            }
            return "\"\(path)\":{" + operations.joined(separator: ",") + "}"
        }
        return """
            {"openapi":"3.0.0","info":{"title":"envd","version":"0.1.3","description":"The daemon of a sandbox: \
            its routes of plain HTTP."},"tags":[{"name":"files"}],"paths":{\(paths.joined(separator: ","))},\
            "components":{"securitySchemes":{"AccessTokenAuth":{"type":"apiKey","in":"header",\
            "name":"X-Access-Token"}},"schemas":{\(Self.schemas)}}}\n
            """
    }

    /// The members of the document's schemas.
    private static let schemas = """
        "Error":{"type":"object","required":["code","message"],"properties":{\
        "code":{"type":"integer"},"message":{"type":"string"}}},\
        "EntryInfo":{"type":"object","required":["path","name","type"],"properties":{\
        "path":{"type":"string"},"name":{"type":"string"},"type":{"type":"string","enum":["file"]},\
        "metadata":{"type":"object","additionalProperties":{"type":"string"}}}},\
        "EnvVars":{"type":"object","additionalProperties":{"type":"string"}},\
        "Metrics":{"type":"object","properties":{"ts":{"type":"integer","format":"int64"},\
        "cpu_count":{"type":"integer"},"cpu_used_pct":{"type":"number","format":"float"},\
        "mem_total_mib":{"type":"integer","deprecated":true},"mem_used_mib":{"type":"integer","deprecated":true},\
        "mem_total":{"type":"integer"},"mem_used":{"type":"integer"},"mem_cache":{"type":"integer"},\
        "disk_used":{"type":"integer"},"disk_total":{"type":"integer"}}},\
        "FreezeResult":{"type":"object","properties":{"allowlisted":{"type":"integer"},\
        "failed":{"type":"integer"},"frozen":{"type":"integer"},"mode":{"type":"string"},\
        "notFrozen":{"type":"integer"},"preFrozen":{"type":"integer"},"requested":{"type":"integer"},\
        "sweepMs":{"type":"integer"},"truncated":{"type":"boolean"},"unobservable":{"type":"integer"},\
        "visited":{"type":"integer"},"waitMs":{"type":"integer"}}},\
        "CollapseResult":{"type":"object","properties":{"alreadyHuge":{"type":"integer"},\
        "chunks":{"type":"integer"},"collapsed":{"type":"integer"},"elapsedMs":{"type":"integer"},\
        "regions":{"type":"integer"},"skipped":{"type":"integer"}}},\
        "ComposeRequest":{"type":"object","required":["source_paths","destination"],"properties":{\
        "source_paths":{"type":"array","items":{"type":"string"}},"destination":{"type":"string"},\
        "username":{"type":"string"}}},\
        "VolumeMount":{"type":"object","required":["nfs_target","path"],"additionalProperties":false,\
        "properties":{"nfs_target":{"type":"string"},"path":{"type":"string"}}},\
        "InitRequest":{"type":"object","properties":{"accessToken":{"type":"string"},\
        "envVars":{"$ref":"#/components/schemas/EnvVars"},"timestamp":{"type":"string","format":"date-time"},\
        "defaultUser":{"type":"string"},"defaultWorkdir":{"type":"string"},"hyperloopIP":{"type":"string"},\
        "caBundle":{"type":"string"},"volumeMounts":{"type":"array","items":\
        {"$ref":"#/components/schemas/VolumeMount"}},"lifecycleID":{"type":"string"}}},\
        "Document":{"type":"object"}
        """
}
