/// Why a text is not JSON.
package enum JSONProblem: Error, Equatable {
    /// It ends too early.
    case unexpectedEnd
    /// The byte at `offset` cannot be there.
    case unexpectedByte(offset: Int)
    /// Arrays and objects are nested more than ``JSONParser/depthLimit`` deep.
    case tooDeep

    /// For whoever wrote the text.
    package var message: String {
        switch self {
        case .unexpectedEnd: "unexpected end of JSON input"
        case .unexpectedByte(let offset): "invalid JSON at byte \(offset)"
        case .tooDeep: "JSON nested more than \(JSONParser.depthLimit) deep"
        }
    }
}
