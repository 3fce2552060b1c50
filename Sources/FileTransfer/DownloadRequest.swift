import NIOHTTP1

/// What a download asks for.
struct DownloadRequest: Sendable {
    let path: TargetPath
    /// The path as it was sent: its extension tells the content type.
    let askedPath: String
    let headers: HTTPHeaders

    private var accepted: AcceptEncoding { AcceptEncoding(self.headers.first(name: "accept-encoding")) }

    /// Whether the client refuses the file as it is.
    var refusesIdentity: Bool { self.accepted.refusesIdentity }

    /// The encoding that the client wants.
    ///
    /// - Throws: ``TransferFailure`` with 406 if there is none that it takes.
    func encoding() throws(TransferFailure) -> AcceptEncoding.Choice {
        let accepted = self.accepted
        guard accepted.choice != .none else {
            throw TransferFailure(
                .notAcceptable,
                "error parsing Accept-Encoding: no acceptable encoding found, supported: [gzip]")
        }
        guard Preconditions.needIdentity(self.headers) else { return accepted.choice }
        guard !accepted.refusesIdentity else {
            throw TransferFailure(
                .notAcceptable, "identity encoding not acceptable for Range or conditional request",
                headers: Self.varying)
        }
        return .identity
    }

    /// What the conditional headers make of it. Those that do not ask for the file as it is count only where it would
    /// be sent so anyway.
    func conditions(modified: Int?) -> Preconditions {
        guard (try? self.encoding()) == .identity else { return .passed(range: nil) }
        return Preconditions(self.headers, modified: modified)
    }

    /// The header of every response that the request's encodings decide about.
    static let varying = HTTPHeaders([("Vary", "Accept-Encoding")])
}
