/// The command line.
struct Options {
    static let usage = """
        usage: envd-benchmarks [--check] [--rounds N] DAEMON [PART ...]

          --check     fail if a bound is not met
          --rounds N  measure each thing N times as often (default 5)
          DAEMON      the daemon's binary
          PART        start, output, requests, echo, files, watch, startup, idle, streams; all without one
        """

    var checks = false
    var rounds = 5
    var daemon = ""
    var parts: [String] = []

    /// - Throws: `Failure` if `arguments` make no sense.
    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--check": self.checks = true
            case "--rounds":
                guard let rounds = rest.popFirst().flatMap({ Int($0) }), rounds > 0 else {
                    throw Failure(Self.usage)
                }
                self.rounds = rounds
            case _ where argument.hasPrefix("-"): throw Failure(Self.usage)
            case _ where self.daemon.isEmpty: self.daemon = argument
            default: self.parts.append(argument)
            }
        }
        let names = Benchmarks.parts.map(\.name)
        guard !self.daemon.isEmpty, self.parts.allSatisfy(names.contains) else { throw Failure(Self.usage) }
    }
}
