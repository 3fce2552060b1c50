/// Names that are let in, or all of them.
package struct AllowedNames: Sendable, Equatable {
    private let names: Set<String>?

    /// Every name.
    package static let all = AllowedNames(names: nil)

    private init(names: Set<String>?) {
        self.names = names
    }

    /// Reads names between commas; `*` is every name. Nil if there is none, or an empty one.
    package init?(_ list: String) {
        if list == "*" {
            self = .all
            return
        }
        let names = list.split(separator: ",", omittingEmptySubsequences: false).map {
            Self.folded(String($0))
        }
        guard !names.contains("") else { return nil }
        self.names = Set(names)
    }

    package var allowsAll: Bool { self.names == nil }

    /// Whether `name` is among them; case does not matter.
    package func allows(_ name: String) -> Bool {
        self.names?.contains(Self.folded(name)) ?? true
    }

    private static func folded(_ name: String) -> String {
        name.lowercased()
    }
}
