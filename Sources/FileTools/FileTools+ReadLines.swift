import Connect
import EnvdAPI
import LinuxSystem
import SandboxContext
import SystemPackage

extension FileTools {
    /// `envd.v1.FileTools/ReadLines`: reads some lines of a file.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no file, `invalidArgument` for what is none.
    @Sendable func readLines(
        _ request: Envd_V1_ReadLinesRequest, _ context: RPCContext
    ) async throws -> Envd_V1_ReadLinesResponse {
        let account = try await self.callers.caller(of: context).account
        let path = try self.resolve(request.path, for: account)
        let range = try await self.perform(as: account) { resolver throws(ToolFailure) in
            let file = try OpenEntry.open(path, resolver)
            guard file.status.kind == .regular else {
                throw ToolFailure("cannot read '\(path)'", .isDirectory)
            }
            return try LineRange(request, file)
        }
        let work = SlicedWork(range, on: self.pool)
        do {
            while true {
                let response = try await work.visit { range throws(Errno) in try range.advance() }
                if let response { return response }
            }
        } catch let error as Errno {
            throw ConnectError("cannot read '\(path)'", error)
        }
    }
}
