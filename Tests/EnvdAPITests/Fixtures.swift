import SwiftProtobuf

/// Messages of every type of the API, so that each field is set to something else than its default in one of them.
enum Fixtures {
    static let all: [any Message] =
        process + processEvents + processInput + filesystem + execution
        + gitValues + gitChanges + gitRemotes + fileTools + port
}
