import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

/// Bytes as messages have them: as text, and if they are not UTF-8 also exactly.
struct MessageText {
    /// What is not UTF-8 is replaced by U+FFFD.
    var text: String
    /// Empty if the text says it all.
    var exact: Data

    init(_ bytes: some Collection<UInt8>) {
        if let text = String(validating: bytes, as: UTF8.self) {
            self.text = text
            self.exact = Data()
        } else {
            self.text = String(decoding: bytes, as: UTF8.self)
            self.exact = Data(bytes)
        }
    }
}

extension Envd_V1_GitPath {
    init(_ bytes: some Collection<UInt8>) {
        self.init()
        let text = MessageText(bytes)
        self.path = text.text
        self.pathBytes = text.exact
    }

    /// The path's bytes, whatever they are.
    var exact: [UInt8] { self.pathBytes.isEmpty ? Array(self.path.utf8) : Array(self.pathBytes) }
}
