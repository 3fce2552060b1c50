import LinuxSystem
import Synchronization

/// The names of users and groups, each looked up once until the account files change.
package final class OwnerNames: Sendable {
    private struct State {
        var version: AccountFiles?
        var users: [UInt32: String] = [:]
        var groups: [UInt32: String] = [:]
    }

    /// Users, and groups, that are kept at most; files can belong to any number.
    private static let capacity = 1024

    private let state = Mutex(State())

    package init() {}

    /// Names for one operation, which sees one version of the account files. On a thread that may block.
    package func now() -> Names {
        let version = AccountFiles.current
        self.state.withLock { state in
            if state.version != version { state = State(version: version) }
        }
        return Names(names: self)
    }

    /// Names of users and groups by their IDs, for one operation. May block.
    package struct Names: Sendable {
        fileprivate let names: OwnerNames

        /// The user's name, or its ID in decimal if it has none.
        package func user(_ uid: UInt32) -> String {
            self.names.name(uid, \.users) { (try? Account.withUserID($0))??.name }
        }

        /// The group's name, or its ID in decimal if it has none.
        package func group(_ gid: UInt32) -> String {
            self.names.name(gid, \.groups) { try? groupName(of: $0) }
        }
    }

    private func name(
        _ id: UInt32, _ known: any WritableKeyPath<State, [UInt32: String]> & Sendable,
        _ lookUp: (UInt32) -> String?
    ) -> String {
        let (name, version) = self.state.withLock { ($0[keyPath: known][id], $0.version) }
        if let name { return name }
        let found = lookUp(id) ?? String(id)
        self.state.withLock { state in
            guard state.version == version else { return }
            if state[keyPath: known].count >= Self.capacity { state[keyPath: known] = [:] }
            state[keyPath: known][id] = found
        }
        return found
    }
}
