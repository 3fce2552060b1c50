import EnvdAPI
import SwiftProtobuf

/// Reads `git push --porcelain`.
///
/// - SeeAlso: git-push(1), "OUTPUT".
enum PushReport {
    /// Layout of a line: a flag, a tab, `FROM:TO`, a tab and the summary. Other lines are skipped.
    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitPushResponse.Reference] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let parts = String(decoding: line, as: UTF8.self)
                .split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let update = Self.update(parts[0]) else { return nil }
            let names = parts[1].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard names.count == 2 else { return nil }
            return .with {
                $0.from = String(names[0])
                $0.to = String(names[1])
                $0.update = update
                $0.summary = String(parts[2])
            }
        }
    }

    private static func update(_ flag: Substring) -> Envd_V1_GitPushResponse.Reference.Update? {
        switch flag {
        case " ": .fastForward
        case "+": .forced
        case "-": .deleted
        case "*": .created
        case "!": .rejected
        case "=": Envd_V1_GitPushResponse.Reference.Update.none
        default: nil
        }
    }
}
