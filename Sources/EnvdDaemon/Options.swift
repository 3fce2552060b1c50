import NIOCore
package import SandboxContext

/// The command line.
package struct Options: Sendable, Equatable {
    /// Why the command line is refused: one line.
    package struct Problem: Error, Equatable {
        package var message: String
    }

    package var port: UInt16 = 49983
    package var listen = "0.0.0.0"
    package var showsVersion = false
    package var showsCommit = false
    package var showsHelp = false
    package var isVerbose = false
    package var isNotFirecracker = false
    package var usesCgroups = true
    package var cgroupRoot = "/sys/fs/cgroup"
    package var defaultUser: String?
    package var accessTokenFile: String?
    package var isInsecure = false
    package var usesReflection = false
    package var followsHandover = false
    package var fileAccess = FileAccess.Mode.compatible
    package var allowedHosts = AllowedNames.all
    package var allowedOrigins = AllowedNames.all

    package init() {}

    /// One flag: its name, what its value is called (nil for a switch), its meaning, and how it is taken.
    private struct Flag {
        let name: String
        let value: String?
        let meaning: String
        let set: (inout Options, String) -> Bool
    }

    private static var flags: [Flag] {
        [
            Flag(name: "port", value: "number", meaning: "TCP port; 0 lets the kernel choose (49983)") {
                guard let port = UInt16($1) else { return false }
                $0.port = port
                return true
            },
            Flag(name: "listen", value: "address", meaning: "numeric address to listen on (0.0.0.0)") {
                $0.listen = $1
                return (try? SocketAddress(ipAddress: $1, port: 0)) != nil
            },
            Self.toggle("version", "print the version and exit") { $0.showsVersion = $1 },
            Self.toggle("commit", "print the commit it was built from and exit") { $0.showsCommit = $1 },
            Self.toggle("verbose", "log every call, as JSON on standard error") { $0.isVerbose = $1 },
            Self.toggle("isnotfc", "not in a Firecracker machine: no metadata service") {
                $0.isNotFirecracker = $1
            },
            Self.toggle("no-cgroups", "do not put commands into cgroups") { $0.usesCgroups = !$1 },
            Flag(name: "cgroup-root", value: "path", meaning: "cgroup v2 mount (/sys/fs/cgroup)") {
                if !$1.isEmpty { $0.cgroupRoot = $1 }
                return true
            },
            Flag(
                name: "default-user", value: "name",
                meaning: "account for requests that name none ('user' if it exists, else root)"
            ) {
                $0.defaultUser = $1
                return !$1.isEmpty
            },
            Flag(
                name: "access-token-file", value: "path",
                meaning: "file with the token that requests must carry in X-Access-Token"
            ) {
                $0.accessTokenFile = $1
                return !$1.isEmpty
            },
            Flag(
                name: "file-access", value: "mode",
                meaning: "'compatible': what a user is denied is done as root, safely; 'user': it is denied"
            ) {
                guard let mode = FileAccess.Mode(rawValue: $1) else { return false }
                $0.fileAccess = mode
                return true
            },
            Self.toggle("insecure", "serve other machines although no access token is set") {
                $0.isInsecure = $1
            },
            Flag(
                name: "allowed-hosts", value: "names",
                meaning: "names that requests may have in Host, between commas, without ports (*)"
            ) {
                guard let names = AllowedNames($1) else { return false }
                $0.allowedHosts = names
                return true
            },
            Flag(
                name: "allowed-origins", value: "origins",
                meaning: "pages that may call, as https://example.com, between commas (*)"
            ) {
                guard let names = AllowedNames($1) else { return false }
                $0.allowedOrigins = names
                return true
            },
            Self.toggle("reflection", "tell tools such as grpcurl which services and types there are") {
                $0.usesReflection = $1
            },
            Self.toggle("resume-handover", "another daemon became this one; its commands are lost") {
                $0.followsHandover = $1
            },
            Self.toggle("help", "print this and exit") { $0.showsHelp = $1 },
        ]
    }

    private static func toggle(
        _ name: String, _ meaning: String, _ set: @escaping (inout Options, Bool) -> Void
    ) -> Flag {
        Flag(name: name, value: nil, meaning: meaning) { options, text in
            switch text {
            case "1", "t", "T", "true", "TRUE", "True": set(&options, true)
            case "0", "f", "F", "false", "FALSE", "False": set(&options, false)
            default: return false
            }
            return true
        }
    }

    /// Reads the arguments after the program's name: `-name value`, `--name value`, `-name=value`; switches
    /// take a value only with `=`.
    ///
    /// - Throws: ``Problem`` for an unknown flag, a missing or a wrong value.
    package init(arguments: [String]) throws(Problem) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-", argument != "--" else {
                throw Problem(message: "unexpected argument: \(argument)")
            }
            let text = argument.drop(while: { $0 == "-" })
            guard argument.utf8.count - text.utf8.count <= 2 else {
                throw Problem(message: "bad flag syntax: \(argument)")
            }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(String.init) ?? ""
            guard let flag = Self.flags.first(where: { $0.name == (name == "h" ? "help" : name) }) else {
                throw Problem(message: "flag provided but not defined: -\(name)")
            }
            let value: String
            if parts.count == 2 {
                value = String(parts[1])
            } else if flag.value == nil {
                value = "true"
            } else if let next = rest.popFirst() {
                value = next
            } else {
                throw Problem(message: "flag needs an argument: -\(name)")
            }
            guard flag.set(&self, value) else {
                throw Problem(message: "invalid value \"\(value)\" for flag -\(name)")
            }
        }
    }

    /// What the flags mean, for people.
    package static var usage: String {
        let lines = Self.flags.map { flag in
            let name = "  --\(flag.name)" + (flag.value.map { " <\($0)>" } ?? "")
            return name + String(repeating: " ", count: max(2, 32 - name.count)) + flag.meaning
        }
        return "Usage: envd [flags]\n\n" + lines.joined(separator: "\n") + "\n"
    }
}
