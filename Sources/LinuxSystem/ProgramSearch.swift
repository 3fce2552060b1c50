import Glibc

/// Where the program of a command may be.
enum ProgramSearch {
    /// Where to look if the environment has no `PATH`.
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The files to try, in order.
    ///
    /// A command with a slash is a path. Any other is looked for in each directory of the first `PATH` in
    /// `environment`, which is the one that getenv(3) finds; an empty element is the working directory. An
    /// empty command is nowhere.
    ///
    /// - SeeAlso: execvp(3).
    static func candidates(for command: String, in environment: [String]) -> [String] {
        guard !command.isEmpty else { return [] }
        guard !command.utf8.contains(UInt8(ascii: "/")) else { return [command] }
        let variable = "PATH="
        let setting = environment.first { $0.utf8.starts(with: variable.utf8) }
        let path = setting?.utf8.dropFirst(variable.utf8.count) ?? defaultPath.utf8[...]
        return path.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .filter { $0.count < Int(PATH_MAX) }
            .map { $0.isEmpty ? command : "\(Substring($0))/\(command)" }
    }
}
