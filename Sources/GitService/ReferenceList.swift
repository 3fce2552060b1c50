import EnvdAPI
import SwiftProtobuf

/// Reads `git for-each-ref` of names and objects only.
enum ReferenceList {
    static let format = "--format=%(refname)%00%(objectname)%00%(symref)%00"

    /// Objects by full names.
    static func parse(_ bytes: [UInt8]) -> [String: String] {
        var references: [String: String] = [:]
        var fields = Fields(bytes)
        while !fields.isAtEnd {
            fields.skip(UInt8(ascii: "\n"))
            guard let name = fields.nextText(), let object = fields.nextText(),
                let target = fields.nextText()
            else { break }
            // What stands for another one changes with that.
            if target.isEmpty { references[name] = object }
        }
        return references
    }

    /// What differs between two times, by name.
    static func changes(
        from before: [String: String], to after: [String: String]
    ) -> [Envd_V1_GitFetchResponse.Update] {
        Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted().map { name in
            .with {
                $0.name = name
                $0.commitBefore = before[name] ?? ""
                $0.commit = after[name] ?? ""
            }
        }
    }
}
