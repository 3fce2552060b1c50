import NIOCore
import SandboxContext

/// What `POST /files/compose` asks for.
struct ComposeRequest: Equatable {
    /// Why a body is not such a request, as its response tells it.
    struct Problem: Error, Equatable {
        let text: String
    }

    let sources: [String]
    let destination: String
    /// Nil for the default.
    let username: String?

    /// Reads `{"source_paths":["…"],"destination":"…","username":"…"}`; what it does not know is ignored.
    init(_ body: ByteBuffer) throws(Problem) {
        guard body.readableBytesView.contains(where: { !" \t\r\n".utf8.contains($0) }) else {
            throw Problem(text: "EOF")
        }
        let result = body.withUnsafeReadableBytes { bytes -> Result<JSONValue, JSONProblem> in
            do throws(JSONProblem) {
                return .success(try JSONValue(bytes))
            } catch {
                return .failure(error)
            }
        }
        let json: JSONValue
        do throws(JSONProblem) {
            json = try result.get()
        } catch {
            throw Problem(text: error.message)
        }
        guard json.members != nil || json == .null else { throw Self.mismatch(json, nil, "ComposeRequest") }
        self.destination = try Self.string(json, "destination") ?? ""
        self.username = try Self.string(json, "username")
        switch json["source_paths"] {
        case nil, .null: self.sources = []
        case .array(let values):
            var sources: [String] = []
            for value in values {
                switch value {
                case .string(let text, _): sources.append(text)
                case .null: sources.append("")
                case .boolean, .number, .array, .object: throw Self.mismatch(value, "source_paths", "string")
                }
            }
            self.sources = sources
        case let value?: throw Self.mismatch(value, "source_paths", "[]string")
        }
    }

    private static func string(_ json: JSONValue, _ name: String) throws(Problem) -> String? {
        switch json[name] {
        case nil, .null: return nil
        case .string(let text, _): return text
        case let value?: throw Self.mismatch(value, name, "string")
        }
    }

    private static func mismatch(_ value: JSONValue, _ field: String?, _ type: String) -> Problem {
        let kind =
            switch value {
            case .null: "null"
            case .boolean: "bool"
            case .number: "number"
            case .string: "string"
            case .array: "array"
            case .object: "object"
            }
        let place = field.map { "struct field ComposeRequest.\($0)" } ?? "value"
        return Problem(text: "json: cannot unmarshal \(kind) into Go \(place) of type \(type)")
    }
}
