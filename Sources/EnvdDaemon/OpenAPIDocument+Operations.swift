extension OpenAPIDocument {
    private typealias Body = OpenAPIOperation.Body
    private typealias Parameter = OpenAPIOperation.Parameter
    private typealias Response = OpenAPIOperation.Response

    private static let done = Response(status: 204, meaning: "Done.")
    private static let text = Body(types: ["text/plain"], schema: nil)
    private static let noToken = Response.error(401, "The access token is missing or wrong.")
    private static let badParameter = Response(
        status: 400, meaning: "A parameter is repeated or no number.", body: Self.text)

    /// What the methods of paths do.
    static let operations: [String: OpenAPIOperation] =
        Self.stateOperations.merging(Self.hostOperations) { $1 }.merging(Self.fileOperations) { $1 }

    private static var stateOperations: [String: OpenAPIOperation] {
        [
            "GET /health": OpenAPIOperation(
                summary: "Is the daemon up?", takesToken: false,
                responses: [Response(status: 204, meaning: "It is.")]),
            "GET /metrics": OpenAPIOperation(
                summary: "What the sandbox uses.",
                responses: [
                    Response(status: 200, meaning: "Figures of now.", body: .json("Metrics")), Self.noToken,
                    Response(status: 500, meaning: "The kernel did not tell."),
                ]),
            "GET /metrics/prometheus": OpenAPIOperation(
                summary: "What the daemon, the sandbox and its commands use, as OpenMetrics text.",
                responses: [
                    Response(
                        status: 200, meaning: "Figures of now.",
                        body: Body(types: ["application/openmetrics-text"], schema: nil)), Self.noToken,
                ]),
            "GET /envs": OpenAPIOperation(
                summary: "The variables that every command gets.",
                responses: [
                    Response(status: 200, meaning: "Names and values.", body: .json("EnvVars")), Self.noToken,
                ]),
            "GET /openapi.json": OpenAPIOperation(
                summary: "This document.",
                responses: [Response(status: 200, meaning: "It.", body: .json("Document")), Self.noToken]),
        ]
    }

    private static var hostOperations: [String: OpenAPIOperation] {
        [
            "POST /init": OpenAPIOperation(
                summary: "Says what holds in the sandbox, when it starts and each time it resumes.",
                isInternal: true, body: .json("InitRequest"),
                responses: [
                    Self.done,
                    Response(
                        status: 400, meaning: "The body, a certificate or a volume is wrong.", body: Self.text
                    ),
                    Response(status: 401, meaning: "The token in the body is wrong.", body: Self.text),
                    Response(status: 413, meaning: "The body is too large."),
                    Response(status: 503, meaning: "The client left while it waited.", body: Self.text),
                ]),
            "POST /freeze": OpenAPIOperation(
                summary: "Stops all commands.", isInternal: true,
                parameters: [
                    Parameter(name: "mode", meaning: "legacy, or hierarchy for all cgroups of the sandbox."),
                    Parameter(name: "maxCgroups", kind: .integer, meaning: "Cgroups that are looked at."),
                    Parameter(
                        name: "maxWaitMs", kind: .integer, meaning: "Time to wait for all to stand still."),
                ],
                responses: [
                    Response(status: 200, meaning: "What came of it.", body: .json("FreezeResult")),
                    Self.done,
                    Self.badParameter, Self.noToken, Response(status: 503, meaning: "The client left."),
                ]),
            "POST /unfreeze": OpenAPIOperation(
                summary: "Lets all commands go on.", isInternal: true,
                responses: [Self.done, Self.noToken, .error(500, "Something may still stand still.")]),
            "POST /collapse": OpenAPIOperation(
                summary: "Puts the daemon's memory into huge pages.", isInternal: true,
                responses: [
                    Response(status: 200, meaning: "What came of it.", body: .json("CollapseResult")),
                    Self.noToken, .error(500, "It was not possible."),
                ]),
            "POST /fsfreeze": OpenAPIOperation(
                summary: "Makes the root file system stand still.", isInternal: true,
                responses: [
                    Self.done, Self.noToken, .error(500, "It was not possible."),
                    Response(status: 503, meaning: "The client left."),
                ]),
            "POST /fsthaw": OpenAPIOperation(
                summary: "Lets the root file system go on.", isInternal: true,
                responses: [Self.done, Self.noToken, .error(500, "It was not possible.")]),
            "GET /generation": OpenAPIOperation(
                summary: "How often the sandbox has resumed.",
                responses: [
                    Response(status: 200, meaning: "A number.", body: .json("Document")), Self.noToken,
                ]),
            "GET /ports": OpenAPIOperation(
                summary: "The ports that programs in the sandbox listen on.",
                responses: [Response(status: 200, meaning: "Ports.", body: .json("Document")), Self.noToken]),
        ]
    }

    private static let fileParameters = [
        Parameter(name: "path", meaning: "The file; relative to the user's home."),
        Parameter(name: "username", meaning: "The user; without it, the default user."),
        Parameter(name: "signature", meaning: "In the place of the access token."),
        Parameter(name: "signature_expiration", kind: .integer, meaning: "Seconds since 1970."),
        Parameter(
            name: "signature_max_bytes", kind: .integer,
            meaning: "Bytes that the body may have; with a signature of the second version."),
    ]

    private static let archiveParameters = [
        Parameter(name: "path", meaning: "The directory; relative to the user's home."),
        Parameter(name: "username", meaning: "The user; without it, the default user."),
        Parameter(name: "compression", meaning: "gzip, for a compressed archive."),
    ]

    private static let resumeParameters = [
        Parameter(name: "path", meaning: "The file; relative to the user's home."),
        Parameter(name: "username", meaning: "The user; without it, the default user."),
        Parameter(name: "id", meaning: "Tells uploads to one path apart."),
        Parameter(name: "offset", kind: .integer, meaning: "Where the body begins."),
        Parameter(name: "total", kind: .integer, meaning: "Bytes of the whole file."),
    ]

    private static let resumeResponses = [
        Response(status: 200, meaning: "How far the upload is.", body: .json("Document")),
        Response.error(400, "The request is wrong."), Response.error(401, "Token or user are wrong."),
        Response.error(404, "There is no such upload."),
    ]

    private static var fileOperations: [String: OpenAPIOperation] {
        [
            "GET /files": OpenAPIOperation(
                summary: "Reads a file.", tags: ["files"], parameters: Self.fileParameters,
                responses: [
                    Response(
                        status: 200, meaning: "Its content.",
                        body: Body(types: ["application/octet-stream"], schema: nil)),
                    .error(400, "The path or the user is wrong."),
                    .error(401, "Signature or user are wrong."),
                    .error(404, "There is no such file."), .error(406, "No encoding of it is acceptable."),
                    .error(500, "It cannot be read."),
                ]),
            "POST /files": OpenAPIOperation(
                summary: "Writes files.", tags: ["files"], parameters: Self.fileParameters,
                body: Body(types: ["multipart/form-data", "application/octet-stream"], schema: nil),
                responses: [
                    Response(
                        status: 200, meaning: "What was written.",
                        body: Body(types: ["application/json"], schema: "EntryInfo", isArray: true)),
                    .error(400, "The path, the user or the body is wrong."),
                    .error(401, "Signature or user are wrong."),
                    .error(413, "The body is larger than was signed for."),
                    .error(500, "It cannot be written."),
                    .error(507, "There is not enough room."),
                ]),
            "GET /files/archive": OpenAPIOperation(
                summary: "Packs a directory.", tags: ["files"], parameters: Self.archiveParameters,
                responses: [
                    Response(
                        status: 200, meaning: "A tar archive.",
                        body: Body(types: ["application/x-tar", "application/gzip"], schema: nil)),
                    .error(400, "The path or the user is wrong."), .error(401, "Token or user are wrong."),
                    .error(404, "There is no such directory."),
                ]),
            "POST /files/archive": OpenAPIOperation(
                summary: "Unpacks a tar archive into a directory.", tags: ["files"],
                parameters: Self.archiveParameters,
                body: Body(types: ["application/x-tar", "application/gzip"], schema: nil),
                responses: [
                    Response(status: 200, meaning: "What was unpacked.", body: .json("Document")),
                    .error(400, "The archive, the path or the user is wrong."),
                    .error(401, "Token or user are wrong."), .error(507, "There is not enough room."),
                ]),
            "GET /files/resume": OpenAPIOperation(
                summary: "Tells how much of a file has come.", tags: ["files"],
                parameters: Self.resumeParameters,
                responses: Self.resumeResponses),
            "HEAD /files/resume": OpenAPIOperation(
                summary: "The same, in a header.", tags: ["files"], parameters: Self.resumeParameters,
                responses: Self.resumeResponses),
            "POST /files/resume": OpenAPIOperation(
                summary: "Takes a file's bytes from an offset on; the last of them put it in its place.",
                tags: ["files"], parameters: Self.resumeParameters,
                body: Body(types: ["application/octet-stream"], schema: nil),
                responses: Self.resumeResponses + [
                    .error(409, "The offset is not where the upload ended, or somebody else writes."),
                    .error(507, "There is not enough room."),
                ]),
            "DELETE /files/resume": OpenAPIOperation(
                summary: "Forgets what has come.", tags: ["files"], parameters: Self.resumeParameters,
                responses: [
                    Self.done, .error(400, "The request is wrong."), .error(401, "Token or user are wrong."),
                ]),
            "POST /files/compose": OpenAPIOperation(
                summary: "Makes one file of several.", tags: ["files"], body: .json("ComposeRequest"),
                responses: [
                    Response(status: 200, meaning: "What was made.", body: .json("EntryInfo")),
                    .error(400, "The request is wrong."), .error(401, "Token or user are wrong."),
                    .error(404, "A source does not exist."), .error(500, "It cannot be written."),
                    .error(507, "There is not enough room."),
                ]),
        ]
    }
}
