import SandboxContext
import Testing

@Suite struct SandboxDefaultsTests {
    @Test func `an update changes the defaults as one step and returns what its body returns`() {
        let defaults = SandboxDefaults(.init(user: "root", internalVariables: ["E2B_SANDBOX": "true"]))
        let before = defaults.update { state in
            defer {
                state.user = "ann"
                state.workingDirectory = "/srv"
                state.userVariables["A"] = "1"
            }
            return state
        }
        #expect(before == SandboxDefaults.State(user: "root", internalVariables: ["E2B_SANDBOX": "true"]))
        #expect(
            defaults.current
                == SandboxDefaults.State(
                    user: "ann", workingDirectory: "/srv", internalVariables: ["E2B_SANDBOX": "true"],
                    userVariables: ["A": "1"]))
    }
}
