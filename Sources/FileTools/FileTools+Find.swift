import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SystemPackage

extension FileTools {
    /// `envd.v1.FileTools/Find`: tells the entries below a directory that fit.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is nothing at the path, `invalidArgument` for what is no
    ///   directory or no glob.
    @Sendable func find(
        _ request: Envd_V1_FindRequest, _ context: RPCContext,
        _ responses: ResponseWriter<Envd_V1_FindResponse>
    ) async throws {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let query = FileFind.Query(request)
        let root = try await self.perform(as: account) { resolver throws(ToolFailure) in
            let root = try OpenEntry.open(path, resolver)
            guard root.status.kind == .directory else {
                throw ToolFailure("cannot open '\(path)'", .notDirectory)
            }
            return root
        }
        let walk = try await self.walk(below: root, request.selection, as: account)
        let work = SlicedWork(FileFind(query, walk, root: path), on: self.pool)
        while true {
            let (response, isLast) = try await work.visit { $0.advance() }
            if isLast || !response.entries.isEmpty { try await responses.send(response) }
            if isLast { return }
        }
    }
}

extension FileFind.Query {
    init(_ request: Envd_V1_FindRequest) {
        self.kinds = Set(request.kinds)
        self.sizes = nil
        if request.hasMinSize || request.hasMaxSize {
            let least = Int64(clamping: request.minSize)
            let most = request.hasMaxSize ? Int64(clamping: request.maxSize) : .max
            // Nothing is as small and as large as that.
            self.sizes = least <= most ? least...most : -1 ... -1
        }
        self.modifiedAfter = request.hasModifiedAfter ? request.modifiedAfter : nil
        self.modifiedBefore = request.hasModifiedBefore ? request.modifiedBefore : nil
        self.maxMatches = SearchLimits.clamp(
            request.maxMatches, SearchLimits.foundEntries, byDefault: SearchLimits.foundEntriesByDefault)
        self.maxFiles = SearchLimits.clamp(request.maxFiles, SearchLimits.lookedAt)
        self.end = SearchLimits.end(milliseconds: request.maxMilliseconds)
    }
}
