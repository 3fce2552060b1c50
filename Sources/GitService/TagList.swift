import EnvdAPI
import LinuxSystem
import SwiftProtobuf

/// Reads `git for-each-ref` of tags.
enum TagList {
    static let format =
        "--format=%(refname)%00%(objecttype)%00%(objectname)%00%(*objectname)%00%(contents:subject)%00%(taggername)%00%(taggeremail)%00%(taggerdate:unix)%00"

    static func parse(_ bytes: [UInt8]) -> [Envd_V1_GitTag] {
        var tags: [Envd_V1_GitTag] = []
        var fields = Fields(bytes)
        while !fields.isAtEnd {
            fields.skip(UInt8(ascii: "\n"))
            guard let reference = fields.nextText(), let type = fields.nextText(),
                let object = fields.nextText(), let target = fields.nextText(),
                let subject = fields.nextText(), let name = fields.nextText(),
                let email = fields.nextText(), let time = fields.nextText()
            else { break }
            var tag = Envd_V1_GitTag()
            tag.name = reference.without(prefix: "refs/tags/").map(String.init) ?? reference
            tag.annotated = type == "tag"
            tag.commit = tag.annotated ? target : object
            tag.subject = subject
            if tag.annotated {
                tag.tagger.name = name
                tag.tagger.email = email.hasPrefix("<") ? String(email.dropFirst().dropLast()) : email
                tag.tagger.seconds = Int64(time) ?? 0
            }
            tags.append(tag)
        }
        return tags
    }
}
