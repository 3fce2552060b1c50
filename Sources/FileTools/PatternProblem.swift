/// Why an expression or a glob cannot be used: a few words for who wrote it.
struct PatternProblem: Error, Equatable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
