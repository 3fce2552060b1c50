import Connect

/// A file that an upload has written, as its response tells it.
struct UploadedFile: Equatable, Sendable {
    let name: String
    let path: String
    /// What is kept with the file.
    let metadata: FileMetadata

    /// `{"metadata":{…},"name":"…","path":"…","type":"file"}`, without metadata where there is none.
    var json: String {
        let values = self.metadata.sorted.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
        let metadata = values.isEmpty ? "" : "\"metadata\":{\(values.joined(separator: ","))},"
        return "{\(metadata)\"name\":\(JSONText.quoted(self.name)),"
            + "\"path\":\(JSONText.quoted(self.path)),\"type\":\"file\"}"
    }
}
