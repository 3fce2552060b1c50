import SandboxContext
import SystemPackage

/// What a host says about the sandbox when it starts or resumes.
struct InitRequest: Sendable {
    /// The body is not what it must be.
    struct Malformed: Error {}

    var accessToken: AccessToken?
    /// Replaces the variables that were set by earlier requests; nil leaves them.
    var environment: [String: String]?
    /// When the host made the request: nanoseconds since 1970.
    var timestamp: Int64?
    var defaultUser: String?
    var defaultWorkingDirectory: String?
    /// Where the sandbox sends events to.
    var eventsAddress: String?
    /// Certificates in PEM that programs in the sandbox are to trust.
    var authorities: String?
    var volumes: [VolumeMount] = []
    /// Changes when volumes have to be mounted again.
    var lifecycle = ""

    /// Reads a request's body; an empty one says nothing.
    ///
    /// Names are compared without regard to case, unknown ones are ignored, and of repeated ones the last counts.
    ///
    /// - Throws: ``Malformed``.
    init(_ body: UnsafeRawBufferPointer) throws(Malformed) {
        if body.isEmpty { return }
        let json: JSONValue
        do {
            json = try JSONValue(body)
        } catch {
            throw Malformed()
        }
        switch json {
        case .null: break
        case .object(let members):
            for member in members { try self.take(member.value, for: Self.folded(member.name)) }
        default: throw Malformed()
        }
    }

    /// `name` without the differences that do not count: case, and the two letters outside ASCII that are case
    /// variants of ASCII ones.
    private static func folded(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    switch scalar {
                    case "A"..."Z": Unicode.Scalar(UInt8(scalar.value) | 0x20)
                    case "\u{17F}": "s"
                    case "\u{212A}": "k"
                    default: scalar
                    }
                }))
    }

    private mutating func take(_ value: JSONValue, for name: String) throws(Malformed) {
        switch name {
        case "accesstoken": self.accessToken = try Self.token(value)
        case "envvars": self.environment = try Self.variables(value)
        case "timestamp": self.timestamp = try Self.time(value)
        case "defaultuser": self.defaultUser = try Self.text(value)
        case "defaultworkdir": self.defaultWorkingDirectory = try Self.text(value)
        case "hyperloopip": self.eventsAddress = try Self.text(value)
        case "cabundle": self.authorities = try Self.text(value)
        case "volumemounts": self.volumes = try Self.mounts(value)
        case "lifecycleid": self.lifecycle = try Self.text(value) ?? ""
        default: break
        }
    }

    // MARK: Values; null is as good as nothing

    private static func text(_ value: JSONValue) throws(Malformed) -> String? {
        switch value {
        case .null: return nil
        case .string(let text, _): return text
        default: throw Malformed()
        }
    }

    /// A token is written as it is: a string without escapes, and not an empty one.
    private static func token(_ value: JSONValue) throws(Malformed) -> AccessToken? {
        switch value {
        case .null: return nil
        case .string(let text, isVerbatim: true):
            do {
                if let token = try AccessToken(text) { return token }
            } catch {
                // Too long.
            }
            throw Malformed()
        default: throw Malformed()
        }
    }

    private static func variables(_ value: JSONValue) throws(Malformed) -> [String: String]? {
        if value == .null { return nil }
        guard let members = value.members else { throw Malformed() }
        var variables: [String: String] = [:]
        for member in members { variables[member.name] = try Self.text(member.value) ?? "" }
        return variables
    }

    private static func time(_ value: JSONValue) throws(Malformed) -> Int64? {
        guard let text = try Self.text(value) else { return nil }
        guard let time = RFC3339.nanoseconds(text) else { throw Malformed() }
        return time
    }

    private static func mounts(_ value: JSONValue) throws(Malformed) -> [VolumeMount] {
        switch value {
        case .null: return []
        case .array(let values):
            var mounts: [VolumeMount] = []
            for value in values { mounts.append(try Self.mount(value)) }
            return mounts
        default: throw Malformed()
        }
    }

    private static func mount(_ value: JSONValue) throws(Malformed) -> VolumeMount {
        var mount = VolumeMount(target: "", path: "")
        if value == .null { return mount }
        guard let members = value.members else { throw Malformed() }
        for member in members {
            switch Self.folded(member.name) {
            case "nfs_target": mount.target = try Self.text(member.value) ?? mount.target
            case "path": mount.path = try Self.text(member.value) ?? mount.path
            default: break
            }
        }
        return mount
    }
}
