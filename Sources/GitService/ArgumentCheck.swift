import Connect
import EnvdAPI

/// Refuses what could mean something else on git's command line than the client wants.
enum ArgumentCheck {
    /// Bytes of a name or revision.
    private static let nameLimit = 4 << 10

    /// Checks a branch, tag, remote, revision or key: it must not be empty or look like an option. git allows no
    /// such names either.
    static func name(_ value: String, _ field: String) throws(ConnectError) -> String {
        guard !value.isEmpty else { throw self.invalid("\(field) is missing") }
        return try self.optionalName(value, field)
    }

    /// The same of what may be left out.
    static func optionalName(_ value: String, _ field: String) throws(ConnectError) -> String {
        guard value.utf8.first != UInt8(ascii: "-") else {
            throw self.invalid("\(field) must not begin with '-'")
        }
        return try self.text(value, field, limit: Self.nameLimit)
    }

    /// Checks what is an argument of its own: no NUL, which would end it.
    static func text(_ value: String, _ field: String, limit: Int = 128 << 10) throws(ConnectError) -> String
    {
        guard !value.utf8.contains(0) else { throw self.invalid("\(field) must not contain NUL") }
        guard value.utf8.count < limit else { throw self.invalid("\(field) has more than \(limit) bytes") }
        return value
    }

    /// Checks what git reads as one line.
    static func line(_ value: String, _ field: String) throws(ConnectError) -> String {
        guard !value.utf8.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) else {
            throw self.invalid("\(field) must be one line")
        }
        return try self.text(value, field)
    }

    /// Checks a message, which git reads from its input: of any length, but no NUL, which would end it in some places.
    static func message(_ value: String) throws(ConnectError) -> String {
        try self.text(value, "message", limit: .max)
    }

    /// Checks a choice: one of `allowed`, or empty.
    static func choice(_ value: String, _ field: String, _ allowed: [String]) throws(ConnectError) -> String {
        guard value.isEmpty || allowed.contains(value) else {
            throw self.invalid("\(field) must be one of \(allowed.joined(separator: ", "))")
        }
        return value
    }

    /// Paths as bytes: those that are text, and the others.
    static func paths(_ texts: [String], _ others: [[UInt8]], _ field: String) throws(ConnectError)
        -> [[UInt8]]
    {
        let paths = texts.map { Array($0.utf8) } + others
        guard paths.allSatisfy({ !$0.isEmpty && !$0.contains(0) }) else {
            throw self.invalid("\(field) must not be empty or contain NUL")
        }
        return paths
    }

    static func invalid(_ message: String) -> ConnectError {
        GitFailure(.invalidArgument, message).connectError
    }
}
