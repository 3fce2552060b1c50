/// Why a parameter of a query is refused: a line for the client.
package struct QueryParameterProblem: Error, Equatable {
    package var message: String

    init(_ name: String, _ reason: String) {
        self.message = "Invalid format for parameter \(name): \(reason)\n"
    }
}
