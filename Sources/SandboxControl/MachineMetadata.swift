import SandboxContext

/// What the metadata service of a Firecracker machine says of it. What it does not say is empty.
struct MachineMetadata: Sendable, Equatable {
    /// The sandbox's name.
    var instanceID = ""
    /// The name of the template that the sandbox was made from.
    var templateID = ""
    /// Where log lines go: a URL.
    var logAddress = ""
    /// ``AccessToken/fingerprint(of:)`` of the token that the host will set.
    var tokenHash = ""

    init() {}

    /// Reads the service's answer.
    ///
    /// - Returns: nil if it is not an object of strings.
    init?(_ body: UnsafeRawBufferPointer) {
        guard let json = try? JSONValue(body), json.members != nil else { return nil }
        let fields: [(String, WritableKeyPath<MachineMetadata, String>)] = [
            ("instanceID", \.instanceID), ("envID", \.templateID), ("address", \.logAddress),
            ("accessTokenHash", \.tokenHash),
        ]
        for (name, field) in fields {
            guard let value = json[name], value != .null else { continue }
            guard let text = value.string else { return nil }
            self[keyPath: field] = text
        }
    }
}
