import EnvdAPI
import SwiftProtobuf

/// Reads `git stash list -z` of commit, time and message.
enum StashEntries {
    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitStashListResponse.Entry] {
        var entries: [Envd_V1_GitStashListResponse.Entry] = []
        var fields = Fields(bytes)
        while let commit = fields.nextText(), let time = fields.nextText(), let message = fields.nextText() {
            entries.append(
                .with {
                    $0.index = UInt32(entries.count)
                    $0.commit = commit
                    $0.seconds = Int64(time) ?? 0
                    $0.message = message
                })
        }
        return entries
    }
}
