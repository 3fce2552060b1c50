import Connect

@testable import SandboxContext
@testable import SandboxControl

/// Input: a body of `/init`.
enum InitFuzzing {
    /// The years that nanoseconds in 64 bits can count, as whole ones.
    private static let times = -9_214_646_400_000_000_000...9_214_732_740_000_000_000 as ClosedRange<Int64>

    static func run(_ input: FuzzInput) throws {
        let body = Array(input.rest)
        let request: InitRequest
        do throws(InitRequest.Malformed) {
            request = try Self.read(body)
        } catch {
            return
        }
        if !body.isEmpty {
            let json = try body.withUnsafeBytes { try JSONValue($0) }
            try expect(json == .null || json.members != nil, "a body is an object, or says nothing")
        }
        if let token = request.accessToken {
            let secret = token.withBytes { Array($0) }
            try expect(
                !secret.isEmpty && secret.count <= AccessToken.limit, "a token has a length that is allowed")
            try expect(body.firstRange(of: secret) != nil, "a token is what the body says, to the byte")
        }
        if let time = request.timestamp { try expect(Self.times.contains(time), "a time can be counted") }
        let again = try Self.read(Self.body(of: request))
        try expect(Self.areEqual(request, again), "\(request) is written and read as \(again)")
    }

    private static func read(_ body: [UInt8]) throws(InitRequest.Malformed) -> InitRequest {
        let result = body.withUnsafeBytes { bytes in
            Result { () throws(InitRequest.Malformed) in try InitRequest(bytes) }
        }
        return try result.get()
    }

    /// A body that says the same, with names in another case. The time is left out: it has no unique form.
    private static func body(of request: InitRequest) -> [UInt8] {
        var members: [String] = []
        func add(_ name: String, _ value: String?) {
            if let value { members.append("\"\(name)\":\(value)") }
        }
        // Nothing that would have to be escaped is in a token.
        add(
            "ACCESSTOKEN",
            request.accessToken.map { $0.withBytes { "\"\(String(decoding: $0, as: UTF8.self))\"" } })
        add(
            "envvars",
            request.environment.map { variables in
                let pairs = variables.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
                return "{\(pairs.joined(separator: ","))}"
            })
        add("DefaultUser", request.defaultUser.map(JSONText.quoted))
        add("defaultWORKDIR", request.defaultWorkingDirectory.map(JSONText.quoted))
        add("hyperloopip", request.eventsAddress.map(JSONText.quoted))
        add("CAbundle", request.authorities.map(JSONText.quoted))
        add("lifecycleId", JSONText.quoted(request.lifecycle))
        let volumes = request.volumes.map {
            "{\"NFS_TARGET\":\(JSONText.quoted($0.target)),\"Path\":\(JSONText.quoted($0.path))}"
        }
        add("VolumeMounts", "[\(volumes.joined(separator: ","))]")
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    /// Whether two requests say the same, but for the time.
    private static func areEqual(_ first: InitRequest, _ second: InitRequest) -> Bool {
        switch (first.accessToken, second.accessToken) {
        case (nil, nil): break
        case (let token?, let other?): if !token.matches(other) { return false }
        case (nil, _?), (_?, nil): return false
        }
        return first.environment == second.environment && first.defaultUser == second.defaultUser
            && first.defaultWorkingDirectory == second.defaultWorkingDirectory
            && first.eventsAddress == second.eventsAddress && first.authorities == second.authorities
            && first.lifecycle == second.lifecycle && first.volumes == second.volumes
    }
}
