package import Connect
package import LinuxSystem

/// What a client's path means.
package enum SandboxPath {
    /// The absolute path that `path` stands for.
    ///
    /// Empty is the default working directory, else the home; `~` is the home; absolute paths stay as they are,
    /// uncleaned; relative ones are below the home, cleaned.
    ///
    /// - Throws: `ConnectError` with `invalidArgument` for `~name`.
    package static func resolve(
        _ path: String, for account: Account, workingDirectory: String? = nil
    ) throws(ConnectError) -> String {
        var path = path
        if path.isEmpty, let workingDirectory, !workingDirectory.isEmpty { path = workingDirectory }
        if path.utf8.first == UInt8(ascii: "~") {
            let rest = path.utf8.dropFirst()
            guard let next = rest.first else { return Self.clean(account.home) }
            guard next == UInt8(ascii: "/") || next == UInt8(ascii: "\\") else {
                throw ConnectError(
                    .invalidArgument,
                    "failed to expand path '\(path)' for user '\(account.name)': "
                        + "cannot expand user-specific home dir"
                )
            }
            return Self.clean(account.home + "/" + String(Substring(rest.dropFirst())))
        }
        if path.utf8.first == UInt8(ascii: "/") { return path }
        return Self.clean(account.home + "/" + path)
    }

    /// What is in front of the last name of a path, with the slash; slashes at the end do not count.
    package static func parent(of path: String) -> Substring {
        let name = path.utf8.lastIndex { $0 != UInt8(ascii: "/") } ?? path.startIndex
        return path[...name].utf8.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? ""
    }

    /// Removes `.`, `..`, and doubled and trailing slashes by text alone.
    package static func clean(_ path: String) -> String {
        let isAbsolute = path.utf8.first == UInt8(ascii: "/")
        var kept: [Substring] = []
        for part in path.parts(between: "/") {
            switch part {
            case ".": continue
            case "..":
                if let last = kept.last, last != ".." {
                    kept.removeLast()
                } else if !isAbsolute {
                    kept.append(part)
                }
            default: kept.append(part)
            }
        }
        let joined = kept.joined(separator: "/")
        return isAbsolute ? "/" + joined : (joined.isEmpty ? "." : joined)
    }
}
