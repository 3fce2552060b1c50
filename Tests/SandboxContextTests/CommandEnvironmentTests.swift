import LinuxSystem
import SandboxContext
import Testing

@Suite struct CommandEnvironmentTests {
    private static let account = Account(
        name: "ann", uid: 1000, gid: 1000, home: "/home/ann", shell: "/bin/sh", groups: [1000])

    private func compose(
        internal: [String: String] = [:], user: [String: String] = [:], request: [String: String] = [:],
        hasTerminal: Bool = false
    ) -> [String] {
        let defaults = SandboxDefaults.State(user: "ann", internalVariables: `internal`, userVariables: user)
        return CommandEnvironment.compose(
            searchPath: "/bin", account: Self.account, hasTerminal: hasTerminal, defaults: defaults,
            request: request)
    }

    @Test func `a command gets the daemon's path and its account's names, and nothing else`() {
        #expect(self.compose() == ["HOME=/home/ann", "LOGNAME=ann", "PATH=/bin", "USER=ann"])
    }

    @Test func `a terminal has a kind`() {
        #expect(self.compose(hasTerminal: true).contains("TERM=xterm-256color"))
        #expect(self.compose(request: ["TERM": "dumb"], hasTerminal: true).contains("TERM=dumb"))
    }

    @Test func `the sandbox's clients may change what the account says`() {
        let environment = self.compose(user: ["HOME": "/srv", "A": "1"])
        #expect(environment.contains("HOME=/srv"))
        #expect(environment.contains("A=1"))
    }

    @Test func `the sandbox's own variables are stronger than its clients'`() {
        let environment = self.compose(internal: ["E2B_SANDBOX": "true"], user: ["E2B_SANDBOX": "forged"])
        #expect(environment.contains("E2B_SANDBOX=true"))
    }

    @Test func `the request is strongest`() {
        let environment = self.compose(
            internal: ["E2B_SANDBOX": "true"], user: ["A": "1"],
            request: ["E2B_SANDBOX": "false", "A": "2", "PATH": "", "USER": "bob", "B": "a=b"])
        #expect(
            environment == [
                "A=2", "B=a=b", "E2B_SANDBOX=false", "HOME=/home/ann", "LOGNAME=ann", "PATH=", "USER=bob",
            ])
    }
}
