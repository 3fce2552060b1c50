import SwiftProtobuf

/// An error of a call, as its client sees it.
struct CallFailure: Error, Equatable {
    var code: String
    var message: String

    init(code: String, message: String = "") {
        self.code = code
        self.message = message
    }

    /// Reads an error object.
    init(_ object: Google_Protobuf_Struct) {
        self.code = object.fields["code"]?.stringValue ?? ""
        self.message = object.fields["message"]?.stringValue ?? ""
    }
}
