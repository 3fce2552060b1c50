import Glibc

/// Prints what was measured, and remembers which bounds were not met.
struct Report {
    /// What a value must not exceed, or must reach.
    enum Bound {
        case atMost(Double)
        case atLeast(Double)

        func isMet(by value: Double) -> Bool {
            switch self {
            case .atMost(let bound): value <= bound
            case .atLeast(let bound): value >= bound
            }
        }
    }

    private static let nameColumns = 40
    private static let valueColumns = 16

    private(set) var unmet: [String] = []

    static func printHeader() {
        Self.print("", "ours", "baseline", "ratio", "bound")
    }

    /// A value beside the baseline's. The bound is on their ratio.
    mutating func add(_ name: String, _ unit: String, _ ours: Double, baseline: Double, _ bound: Bound? = nil)
    {
        let ratio = ours / baseline
        Self.print(
            name, "\(Self.text(ours)) \(unit)", "\(Self.text(baseline)) \(unit)", Self.text(ratio),
            self.verdict(name, ratio, bound))
    }

    /// A value without a baseline.
    mutating func add(_ name: String, _ unit: String, _ ours: Double, _ bound: Bound? = nil) {
        Self.print(name, "\(Self.text(ours)) \(unit)", "-", "-", self.verdict(name, ours, bound))
    }

    private mutating func verdict(_ name: String, _ value: Double, _ bound: Bound?) -> String {
        guard let bound else { return "-" }
        let isMet = bound.isMet(by: value)
        if !isMet { self.unmet.append(name) }
        let text =
            switch bound {
            case .atMost(let bound): "<= \(Self.text(bound))"
            case .atLeast(let bound): ">= \(Self.text(bound))"
            }
        return "\(text) \(isMet ? "ok" : "NOT MET")"
    }

    private static func print(
        _ name: String, _ ours: String, _ baseline: String, _ ratio: String, _ bound: String
    ) {
        let columns = [
            Self.padded(name, to: Self.nameColumns), Self.padded(ours, to: Self.valueColumns),
            Self.padded(baseline, to: Self.valueColumns), Self.padded(ratio, to: Self.valueColumns / 2),
            bound,
        ]
        Swift.print(columns.joined())
        fflush(nil)
    }

    private static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(1, columns - text.count))
    }

    /// `value` with about three digits.
    private static func text(_ value: Double) -> String {
        let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
        let scale = [1, 10, 100][digits]
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 ? "-" : ""
        guard digits > 0, scaled % scale != 0 else { return "\(sign)\(scaled / scale)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
