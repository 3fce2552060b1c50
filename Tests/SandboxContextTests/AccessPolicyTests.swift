import SandboxContext
import Testing

@Suite struct AccessPolicyTests {
    private func name(_ rule: AccessPolicy.Rule) -> String {
        switch rule {
        case .closed: "closed"
        case .local: "local"
        case .open: "open"
        case .token: "token"
        }
    }

    @Test func `without a token it is for this machine, until the host of a sandbox wants none`() throws {
        let policy = AccessPolicy(opensWithoutToken: true)
        #expect(self.name(policy.rule) == "local")
        policy.set(nil)
        #expect(self.name(policy.rule) == "open")
        policy.set(try AccessToken("one"))
        #expect(self.name(policy.rule) == "token")
        policy.set(nil)
        #expect(self.name(policy.rule) == "open")
    }

    @Test func `elsewhere it stays for this machine`() throws {
        let policy = AccessPolicy()
        policy.set(nil)
        #expect(self.name(policy.rule) == "local")
        #expect(policy.token == nil)
        policy.set(try AccessToken("one"))
        policy.set(nil)
        #expect(self.name(policy.rule) == "local")
    }

    @Test func `a token is set, replaced and cleared`() throws {
        let policy = AccessPolicy(token: try AccessToken("one"))
        #expect(policy.token?.matches("one") == true)
        policy.set(try AccessToken("two"))
        #expect(policy.token?.matches("one") == false)
        #expect(policy.token?.matches("two") == true)
        policy.set(nil)
        #expect(policy.token == nil)
    }

    @Test func `a token in use survives its replacement, and ends with its last use`() throws {
        weak var watched: AccessToken?
        do {
            let policy = AccessPolicy(token: try AccessToken("one"))
            do {
                let used = try #require(policy.token)
                watched = used
                policy.set(try AccessToken("two"))
                #expect(used.matches("one"))
            }
            #expect(watched == nil)
            #expect(policy.token?.matches("two") == true)
        }
    }

    @Test func `readers and writers do not disturb each other`() async throws {
        let policy = AccessPolicy()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<200 {
                        if task < 4 {
                            policy.set(round % 3 == 0 ? nil : try AccessToken("token-\(task)"))
                        } else if let token = policy.token {
                            #expect((0..<4).filter { token.matches("token-\($0)") }.count == 1)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
