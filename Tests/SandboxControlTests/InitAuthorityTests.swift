import NIOHTTP1
import SandboxContext
import Testing

@testable import SandboxControl

@Suite struct InitAuthorityTests {
    /// What is announced when there is to be no token.
    private static let hashOfNothing =
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

    private func hash(_ token: String) throws -> String {
        AccessToken.fingerprint(of: try AccessToken(token))
    }

    /// The error text; nil if the request may go on.
    private func refusal(current: String?, shown: String?, announced: String) async throws -> String? {
        let policy = AccessPolicy(token: try current.flatMap { try AccessToken($0) })
        do {
            try await InitAuthority(access: policy) { announced }.check(
                try shown.flatMap { try AccessToken($0) })
            return nil
        } catch {
            let answer = try #require(error as? InitAnswer)
            #expect(answer.status == .unauthorized)
            return answer.text
        }
    }

    @Test func `the token that is set lets in, and is all that is asked`() async throws {
        let policy = AccessPolicy(token: try AccessToken("a"))
        let authority = InitAuthority(access: policy) {
            Issue.record("the metadata service was asked")
            return ""
        }
        try await authority.check(try AccessToken("a"))
    }

    @Test func `whoever comes first sets the token, unless another is announced`() async throws {
        #expect(try await self.refusal(current: nil, shown: "a", announced: "") == nil)
        #expect(try await self.refusal(current: nil, shown: nil, announced: "") == nil)
        #expect(try await self.refusal(current: nil, shown: "a", announced: self.hash("a")) == nil)
        #expect(
            try await self.refusal(current: nil, shown: "b", announced: self.hash("a"))
                == "access token validation failed")
        #expect(
            try await self.refusal(current: nil, shown: nil, announced: self.hash("a"))
                == "access token reset not authorized")
    }

    @Test func `a token is replaced by the one that is announced alone`() async throws {
        #expect(try await self.refusal(current: "a", shown: "b", announced: self.hash("b")) == nil)
        for announced in ["", try self.hash("a"), try self.hash("c"), Self.hashOfNothing, "b"] {
            #expect(
                try await self.refusal(current: "a", shown: "b", announced: announced)
                    == "access token validation failed")
        }
    }

    @Test func `a token is cleared only if it is announced that there is none`() async throws {
        #expect(try await self.refusal(current: "a", shown: nil, announced: Self.hashOfNothing) == nil)
        #expect(AccessToken.fingerprint(of: nil) == Self.hashOfNothing)
        for announced in ["", try self.hash("a"), Self.hashOfNothing.uppercased()] {
            #expect(
                try await self.refusal(current: "a", shown: nil, announced: announced)
                    == "access token reset not authorized")
        }
    }
}
