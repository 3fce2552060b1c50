import Connect
import EnvdAPI
import SwiftProtobuf
import Testing

@testable import GitService

@Suite struct CommandTests {
    @Test func `options come first, then two dashes, then what a client chose`() {
        var command = GitCommand(arguments: ["add", "--all"], operands: ["-x", "a b"], directory: "/")
        #expect(
            command.commandLine == ["--no-pager", "-c", "color.ui=false", "add", "--all", "--", "-x", "a b"])
        command.operands = []
        #expect(command.commandLine.last == "--all")
        command.endsRevisions = true
        #expect(command.commandLine.last == "--")
    }

    @Test func `the environment asks nothing, edits nothing, and speaks English`() {
        let variables = GitCommand(arguments: ["x"], directory: "/").variables
        #expect(variables["LC_ALL"] == "C" && variables["GIT_TERMINAL_PROMPT"] == "0")
        #expect(variables["GIT_EDITOR"] == ":" && variables["GIT_SEQUENCE_EDITOR"] == ":")
        #expect(variables["GIT_ALLOW_PROTOCOL"] == "https:http:ssh:git:file")
        #expect(variables["GIT_OPTIONAL_LOCKS"] == nil && variables["GIT_ASKPASS"] == nil)
        let query = GitCommand(arguments: ["x"], directory: "/", isReadOnly: true)
        #expect(query.variables["GIT_OPTIONAL_LOCKS"] == "0")
    }

    @Test func `a policy turns hooks off and chooses transports`() throws {
        var command = GitCommand(arguments: ["x"], directory: "/")
        try command.obey(.with { $0.noHooks = true })
        #expect(command.commandLine.contains("core.hooksPath=/dev/null"))
        #expect(command.transports == GitCommand.defaultTransports)
        try command.obey(.with { $0.transports = ["https", "git+x-1.0"] })
        #expect(command.variables["GIT_ALLOW_PROTOCOL"] == "https:git+x-1.0")
        for transport in ["", "a:b", "HTTP", "ü", String(repeating: "a", count: 65)] {
            #expect(throws: ConnectError.self) { try command.obey(.with { $0.transports = [transport] }) }
        }
    }

    @Test func `credentials are in neither arguments nor environment`() throws {
        let secret = CredentialSecret(origin: "https://h", username: "ann", password: "hunter2")
        var command = GitCommand(arguments: ["fetch"], directory: "/")
        command.credentials = try GitCredentials(secret, program: "/bin/true")
        let text = command.commandLine.joined() + command.variables.map { "\($0)=\($1)" }.joined()
        #expect(!text.contains("hunter2") && !text.contains("ann"))
        #expect(command.commandLine.contains("credential.helper="))
        #expect(command.variables["GIT_ASKPASS"]?.hasPrefix("/proc/self/fd/") == true)
        #expect(command.credentials?.inherited.count == 2)
    }

    @Test func `credentials with line ends or too long are refused`() {
        for password in ["a\nb", "a\rb", "a\0b", String(repeating: "x", count: 20_000)] {
            let secret = CredentialSecret(origin: "https://h", username: "u", password: password)
            #expect(throws: ConnectError.self) { try GitCredentials(secret, program: "/bin/true") }
        }
    }

    @Test func `paths are given apart, ended by NUL`() {
        var command = GitCommand(arguments: ["add"], directory: "/")
        command.readPaths([Array("-a".utf8), [0xFF, 10]], arePatterns: false)
        #expect(command.input == Array("-a".utf8) + [0, 0xFF, 10, 0])
        #expect(command.variables["GIT_LITERAL_PATHSPECS"] == "1")
        command.readPaths([[1]], arePatterns: true)
        #expect(command.variables["GIT_LITERAL_PATHSPECS"] == nil)
    }

    @Test func `names that look like options, and NUL, are refused`() throws {
        #expect(try ArgumentCheck.name("main", "branch") == "main")
        #expect(try ArgumentCheck.optionalName("", "branch") == "")
        for name in ["", "-x", "--output=/x", "a\0b", String(repeating: "x", count: 5_000)] {
            #expect(throws: ConnectError.self) { _ = try ArgumentCheck.name(name, "branch") }
        }
        #expect(throws: ConnectError.self) { _ = try ArgumentCheck.choice("x", "mode", ["a"]) }
        #expect(throws: ConnectError.self) { _ = try ArgumentCheck.paths([""], [], "paths") }
        #expect(throws: ConnectError.self) { _ = try ArgumentCheck.paths([], [[0]], "paths") }
        #expect(try ArgumentCheck.paths(["a"], [[0xFF]], "paths") == [[0x61], [0xFF]])
    }
}
