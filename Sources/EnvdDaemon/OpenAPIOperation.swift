import Connect

/// What one method of one path does, for the OpenAPI document.
struct OpenAPIOperation {
    /// A parameter of the query.
    struct Parameter {
        enum Kind: String {
            case string, integer
        }

        var name: String
        var kind = Kind.string
        var meaning: String

        fileprivate var json: String {
            """
            {"name":"\(self.name)","in":"query","required":false,"description":\(JSONText.quoted(self.meaning)),\
            "schema":{"type":"\(self.kind.rawValue)"}}
            """
        }
    }

    /// A body: its media types, and the schema of JSON ones.
    struct Body {
        var types: [String]
        /// A name of a schema of the document, or nil for bytes.
        var schema: String?
        var isArray = false

        static func json(_ schema: String) -> Body { Body(types: ["application/json"], schema: schema) }

        fileprivate var content: String {
            let reference = self.schema.map { "{\"$ref\":\"#/components/schemas/\($0)\"}" }
            let schema =
                switch (reference, self.isArray) {
                case (let reference?, true): "{\"type\":\"array\",\"items\":\(reference)}"
                case (let reference?, false): reference
                case (nil, _): "{\"type\":\"string\",\"format\":\"binary\"}"
                }
            return "{" + self.types.map { "\"\($0)\":{\"schema\":\(schema)}" }.joined(separator: ",") + "}"
        }
    }

    struct Response {
        var status: Int
        var meaning: String
        var body: Body?

        /// An answer with the error object.
        static func error(_ status: Int, _ meaning: String) -> Response {
            Response(status: status, meaning: meaning, body: .json("Error"))
        }

        fileprivate var json: String {
            let content = self.body.map { ",\"content\":\($0.content)" } ?? ""
            return "\"\(self.status)\":{\"description\":\(JSONText.quoted(self.meaning))\(content)}"
        }
    }

    var summary: String
    /// For the host of the sandbox alone.
    var isInternal = false
    /// Whether the access token is asked for where one is set.
    var takesToken = true
    var tags: [String] = []
    var parameters: [Parameter] = []
    var body: Body?
    var responses: [Response]

    var json: String {
        var members = ["\"summary\":" + JSONText.quoted(self.summary)]
        if self.isInternal { members.append("\"x-internal\":true") }
        if !self.tags.isEmpty {
            members.append("\"tags\":[\"" + self.tags.joined(separator: "\",\"") + "\"]")
        }
        if self.takesToken { members.append("\"security\":[{\"AccessTokenAuth\":[]},{}]") }
        if !self.parameters.isEmpty {
            members.append("\"parameters\":[" + self.parameters.map(\.json).joined(separator: ",") + "]")
        }
        if let body {
            members.append("\"requestBody\":{\"required\":false,\"content\":\(body.content)}")
        }
        members.append("\"responses\":{" + self.responses.map(\.json).joined(separator: ",") + "}")
        return "{" + members.joined(separator: ",") + "}"
    }
}
