/// A value for each stream that has one. Kept in place, because every process has a few of these.
struct PerStream<Value> {
    private var stdout: Value?
    private var stderr: Value?
    private var terminal: Value?

    subscript(stream: OutputLog.Stream) -> Value? {
        get {
            switch stream {
            case .stdout: self.stdout
            case .stderr: self.stderr
            case .terminal: self.terminal
            }
        }
        _modify {
            switch stream {
            case .stdout: yield &self.stdout
            case .stderr: yield &self.stderr
            case .terminal: yield &self.terminal
            }
        }
    }

    var isEmpty: Bool { self.stdout == nil && self.stderr == nil && self.terminal == nil }

    /// The streams that have a value, and the values.
    var all: some Sequence<(stream: OutputLog.Stream, value: Value)> {
        OutputLog.Stream.allCases.lazy.compactMap { stream in self[stream].map { (stream, $0) } }
    }
}
