import SandboxContext
import Testing

@testable import SandboxControl

@Suite struct InitRequestTests {
    private func read(_ body: String) throws -> InitRequest {
        try Array(body.utf8).withUnsafeBytes { try InitRequest($0) }
    }

    @Test func `every field is read`() throws {
        let request = try self.read(
            """
            {"accessToken":"tok","envVars":{"A":"1","B":""},"timestamp":"1970-01-01T00:00:01Z","defaultUser":"ann",
             "defaultWorkdir":"/srv","hyperloopIP":"192.0.2.1","caBundle":"PEM","lifecycleID":"life","later":[{}],
             "volumeMounts":[{"nfs_target":"10.0.0.1:/a","path":"/a"},{"path":"/b","more":1},null]}
            """)
        #expect(request.accessToken?.matches("tok") == true)
        #expect(request.environment == ["A": "1", "B": ""])
        #expect(request.timestamp == 1_000_000_000)
        #expect(request.defaultUser == "ann")
        #expect(request.defaultWorkingDirectory == "/srv")
        #expect(request.eventsAddress == "192.0.2.1")
        #expect(request.authorities == "PEM")
        #expect(request.lifecycle == "life")
        let mounts = [("10.0.0.1:/a", "/a"), ("", "/b"), ("", "")]
        #expect(request.volumes == mounts.map { VolumeMount(target: $0.0, path: $0.1) })
    }

    @Test(arguments: ["", "{}", "null", " {}\n", "{\"x\":1}"])
    func `a body that says nothing is fine`(_ body: String) throws {
        let request = try self.read(body)
        #expect(request.accessToken == nil && request.environment == nil && request.timestamp == nil)
        #expect(request.defaultUser == nil && request.defaultWorkingDirectory == nil)
        #expect(request.eventsAddress == nil && request.authorities == nil)
        #expect(request.volumes.isEmpty && request.lifecycle == "")
    }

    @Test(arguments: [
        "accessToken", "ACCESSTOKEN", "accesstoken", "AccessToken", "acce\u{17F}\u{17F}To\u{212A}en",
    ])
    func `the case of a name does not count`(_ name: String) throws {
        #expect(try self.read("{\"\(name)\":\"tok\"}").accessToken?.matches("tok") == true)
    }

    @Test func `of repeated fields the last counts`() throws {
        let request = try self.read(
            #"{"defaultUser":"a","DEFAULTUSER":"b","accessToken":"one","accessToken":"two","envVars":{"A":"1"},"envVars":{"B":"2","B":"3"}}"#
        )
        #expect(request.defaultUser == "b")
        #expect(request.accessToken?.matches("two") == true)
        #expect(request.environment == ["B": "3"])
        #expect(try self.read(#"{"accessToken":"one","accessToken":null}"#).accessToken == nil)
    }

    @Test func `null is as good as nothing`() throws {
        let request = try self.read(
            """
            {"accessToken":null,"envVars":null,"timestamp":null,"defaultUser":null,"defaultWorkdir":null,
             "hyperloopIP":null,"caBundle":null,"volumeMounts":null,"lifecycleID":null}
            """)
        #expect(request.accessToken == nil && request.environment == nil && request.timestamp == nil)
        #expect(try self.read(#"{"envVars":{"A":null}}"#).environment == ["A": ""])
    }

    @Test(arguments: [
        "{", "[]", "1", "\"\"", "true", " ", "{} x", "{\"accessToken\":\"\"}", #"{"accessToken":"a\u0062"}"#,
        #"{"accessToken":"a\\"}"#, "{\"accessToken\":1}", "{\"accessToken\":[]}", "{\"accessToken\":{}}",
        "{\"accessToken\":true}", "{\"envVars\":[]}", "{\"envVars\":{\"A\":1}}", "{\"envVars\":\"A=1\"}",
        "{\"timestamp\":1}", "{\"timestamp\":\"\"}", "{\"timestamp\":\"yesterday\"}", "{\"defaultUser\":1}",
        "{\"defaultWorkdir\":{}}", "{\"hyperloopIP\":[]}", "{\"caBundle\":false}", "{\"volumeMounts\":{}}",
        "{\"volumeMounts\":[1]}", "{\"volumeMounts\":[{\"path\":1}]}", "{\"lifecycleID\":1}",
        "{\"accessToken\":\"ok\",\"accessToken\":\"\"}",
    ])
    func `a body that is something else is refused`(_ body: String) {
        #expect(throws: InitRequest.Malformed.self) { try self.read(body) }
    }

    /// Others would be read as the same token.
    @Test func `a token that is not UTF-8 is refused`() {
        let body = Array("{\"accessToken\":\"a".utf8) + [0xFF] + Array("\"}".utf8)
        #expect(throws: InitRequest.Malformed.self) { try body.withUnsafeBytes { try InitRequest($0) } }
    }

    @Test func `a token that is too long is refused`() {
        let token = String(repeating: "a", count: 65537)
        #expect(throws: InitRequest.Malformed.self) { try self.read("{\"accessToken\":\"\(token)\"}") }
    }
}
