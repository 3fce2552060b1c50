import Connect
import EnvdAPI
import LinuxSystem

extension GitSession {
    /// What a remote is wanted for.
    enum RemoteUse {
        case fetch
        case push
    }

    /// The remote that a request means: the one it names, else the branch's, else the only one; nil if there is none.
    func remote(_ name: String, _ use: RemoteUse) async throws(ConnectError) -> String? {
        guard name.isEmpty else { return try ArgumentCheck.name(name, "remote") }
        if let branch = try await self.currentBranch() {
            let field = use == .push ? "push:remotename" : "upstream:remotename"
            let output = try await self.run(
                self.query(
                    "for-each-ref", "--format=%(\(field))%00%(upstream:remotename)", "refs/heads/\(branch)"))
            var fields = Fields(output.standardOutput)
            let own = fields.nextText() ?? ""
            if !own.isEmpty { return own }
        }
        let remotes = try await self.run(self.query("remote")).line.parts(between: "\n")
        return remotes.count == 1 ? remotes.first.map(String.init) : nil
    }

    /// What to push when nobody says: the branch that is checked out, to one of the same name.
    ///
    /// - Throws: `ConnectError` with `failedPrecondition` if no branch is checked out, or it follows one of another
    ///   name on `remote`: it is unknown which is meant.
    func refspec(to remote: String) async throws(ConnectError) -> String {
        guard let branch = try await self.currentBranch() else {
            throw GitFailure(.noUpstream, "git push: no branch is checked out").connectError
        }
        let output = try await self.run(
            self.query(
                "for-each-ref", "--format=%(upstream:remotename)%00%(upstream:remoteref)",
                "refs/heads/\(branch)"))
        var fields = Fields(output.standardOutput)
        let own = "refs/heads/\(branch)"
        guard fields.nextText() == remote, let followed = fields.nextText()?.parts(between: "\n").first
        else { return own }
        guard followed.utf8.elementsEqual(own.utf8) else {
            let name = followed.without(prefix: "refs/heads/") ?? followed
            throw GitFailure(
                .noUpstream,
                "git push: branch '\(branch)' follows '\(name)' of '\(remote)', which has another name: "
                    + "give branch as '\(branch)' to push to one of its own name, "
                    + "or as '\(branch):\(name)' to push to the one that it follows"
            ).connectError
        }
        return own
    }

    /// What to push when a branch is named: its full name if there is such a branch, as a tag can have the same name.
    func refspec(of name: String) async throws(ConnectError) -> String {
        let full = "refs/heads/\(name)"
        var query = self.query("show-ref", "--verify", "--quiet")
        query.operands = [full]
        let output = try await self.attempt(query)
        return output.isSuccess ? full : name
    }

    /// All references by name, and what each points to.
    func references() async throws(ConnectError) -> [String: String] {
        let output = try await self.run(
            self.query("for-each-ref", ReferenceList.format, "refs/remotes", "refs/tags", "refs/heads"))
        return ReferenceList.parse(output.standardOutput)
    }
}
