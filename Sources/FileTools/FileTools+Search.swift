import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext

extension FileTools {
    /// `envd.v1.FileTools/Search`: tells the lines of files that match.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is nothing at the path, `invalidArgument` for what is no
    ///   expression or no glob.
    @Sendable func search(
        _ request: Envd_V1_SearchRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_SearchResponse>
    ) async throws {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let query = try FileSearch.Query(request)
        let root = try await self.perform(as: account) { resolver throws(ToolFailure) in
            try OpenEntry.open(path, resolver)
        }
        let search =
            root.status.kind == .directory
            ? FileSearch(
                query, below: try await self.walk(below: root, request.selection, as: account), root: path)
            : FileSearch(query, in: root, path: path)
        let work = SlicedWork(search, on: self.pool)
        while true {
            let (response, isLast) = try await work.visit { $0.advance() }
            if isLast || !response.files.isEmpty { try await responses.send(response) }
            if isLast { return }
        }
    }
}

extension FileSearch.Query {
    /// - Throws: `ConnectError` with `invalidArgument` for what is no expression, and for the empty one.
    init(_ request: Envd_V1_SearchRequest) throws(ConnectError) {
        let node: PatternNode
        let program: PatternProgram
        do throws(PatternProblem) {
            switch request.query {
            case .regex(let text)?: node = try RegexParser.parse(text, ignoringCase: request.ignoreCase)
            case .literal(let text)? where !text.isEmpty:
                node = .literal(text.utf8, ignoringCase: request.ignoreCase)
            case .literal?, nil: throw PatternProblem("there is nothing to search for")
            }
            program = try PatternProgram(node)
        } catch {
            throw ConnectError(.invalidArgument, "cannot use the expression: \(error.reason)")
        }
        self.matcher = PatternMatcher(program, .anywhere)
        self.spans = SpanFinder(program)
        self.contextBefore = min(Int(request.contextBefore), SearchLimits.contextLines)
        self.contextAfter = min(Int(request.contextAfter), SearchLimits.contextLines)
        self.shownBytes = SearchLimits.clamp(
            request.maxLineBytes, SearchLimits.shownBytes, byDefault: SearchLimits.shownBytesByDefault)
        self.maxMatches = SearchLimits.clamp(request.maxMatches, SearchLimits.matches)
        self.maxMatchesPerFile = SearchLimits.clamp(request.maxMatchesPerFile, SearchLimits.matches)
        self.maxFiles = SearchLimits.clamp(request.maxFiles, SearchLimits.searchedFiles)
        self.maxFileBytes = SearchLimits.clamp(
            request.maxFileBytes, .max, byDefault: SearchLimits.fileBytes)
        self.maxBytes = SearchLimits.clamp(request.maxBytes, .max, byDefault: SearchLimits.bytes)
        self.end = SearchLimits.end(milliseconds: request.maxMilliseconds)
    }
}
