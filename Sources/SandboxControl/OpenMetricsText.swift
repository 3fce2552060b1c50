/// Figures in the text form that monitoring systems read.
///
/// - SeeAlso: OpenMetrics 1.0.0, "Text format".
struct OpenMetricsText {
    enum Kind: String {
        case counter, gauge, info
    }

    /// What an HTTP response with it is.
    static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    /// Bytes of a label's value at most: clients choose some of them.
    private static let labelLimit = 128

    private var lines: [String] = []

    /// Adds a family. A counter's samples get the suffix `_total`, an info's `_info`.
    mutating func family(
        _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: String)]
    ) {
        guard !samples.isEmpty else { return }
        self.lines.append("# TYPE \(name) \(kind.rawValue)")
        self.lines.append("# HELP \(name) \(help)")
        let suffix =
            switch kind {
            case .counter: "_total"
            case .gauge: ""
            case .info: "_info"
            }
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            self.lines.append("\(name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.value)")
        }
    }

    /// Adds a family with one sample.
    mutating func figure(_ name: String, _ kind: Kind, _ help: String, _ value: String) {
        self.family(name, kind, help, [([], value)])
    }

    /// All of it, with the end mark.
    var text: String { self.lines.joined(separator: "\n") + "\n# EOF\n" }

    private static func escaped(_ value: String) -> String {
        var text = ""
        var bytes = 0
        for scalar in value.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= Self.labelLimit else { break }
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Microseconds as seconds.
    static func seconds(microseconds: UInt64) -> String {
        let rest = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - rest.utf8.count) + rest
    }
}
