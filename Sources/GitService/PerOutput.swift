/// What a command writes to.
enum ProcessOutput: CaseIterable, Sendable {
    case output
    case error
}

/// A value for each of a command's outputs, or none.
struct PerOutput<Value> {
    private var output: Value?
    private var error: Value?

    var isEmpty: Bool { self.output == nil && self.error == nil }

    subscript(output: ProcessOutput) -> Value? {
        get {
            switch output {
            case .output: self.output
            case .error: self.error
            }
        }
        set {
            switch output {
            case .output: self.output = newValue
            case .error: self.error = newValue
            }
        }
    }
}
