import SystemPackage

/// The strings of a spawn request as the kernel takes them.
struct SpawnVectors: ~Copyable {
    let candidates: CStringVector
    let arguments: CStringVector
    /// For a file without a known format: `/bin/sh`, that file's path (left to the child), the arguments.
    let shellArguments: CStringVector
    let environment: CStringVector
    /// One path or none.
    let workingDirectory: CStringVector

    /// - Throws: `Errno.invalidArgument` if a string contains NUL, where the kernel would see its end.
    init(_ request: SpawnRequest) throws(Errno) {
        let workingDirectory = request.workingDirectory.map { [$0] } ?? []
        for strings in [[request.command], request.arguments, request.environment, workingDirectory] {
            guard !strings.contains(where: { $0.utf8.contains(0) }) else { throw .invalidArgument }
        }
        self.candidates = CStringVector(
            ProgramSearch.candidates(for: request.command, in: request.environment))
        self.arguments = CStringVector([request.command] + request.arguments)
        self.shellArguments = CStringVector(["/bin/sh", ""] + request.arguments)
        self.environment = CStringVector(request.environment)
        self.workingDirectory = CStringVector(workingDirectory)
    }
}
