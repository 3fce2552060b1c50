import SandboxContext
import Testing

@Suite struct BasicCredentialsTests {
    @Test(arguments: [
        ("Basic dXNlcjo=", "user"),  // user:
        ("basic dXNlcjo=", "user"),
        ("BASIC dXNlcjo=", "user"),
        ("Basic dXNlcjpwYXNz", "user"),  // user:pass
        ("Basic dXNlcjphOmI=", "user"),  // user:a:b
        ("Basic Og==", ""),  // :
        ("Basic w6k6", "é"),  // é:
    ])
    func `the user is what stands before the first colon`(_ header: String, _ user: String) {
        #expect(BasicCredentials(header)?.user == user)
    }

    @Test(arguments: [
        "", "Basic", "Basic ", "Basic:dXNlcjo=", "Bearer dXNlcjo=", "dXNlcjo=", "Basic dXNlcg==",
        "Basic user:", "Basic dXNlcjo", "Basic dXNlcjo==",
        "Basic dXNlcjo=!", "Basic =", "BasicdXNlcjo=", "é",
    ])
    func `another scheme, bad Base64 and a missing colon name nobody`(_ header: String) {
        #expect(BasicCredentials(header) == nil)
    }
}
