import Connect
internal import Glibc
import Logging
import SandboxControl

/// Writes log lines as JSON objects to standard error, each with one write(2), and gives them to the exporter.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let label: String
    private let printedLevel: Logger.Level
    private let exporter: LogExporter?

    /// - Parameters:
    ///   - level: what is written to standard error at least.
    ///   - exporter: takes lines of level info and above; nil for nowhere.
    init(label: String, level: Logger.Level, exporter: LogExporter?) {
        self.label = label
        self.printedLevel = level
        self.exporter = exporter
        self.logLevel = exporter == nil ? level : min(level, .info)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "{\"level\":\"\(Self.name(of: event.level))\",\"timestamp\":\"\(Self.timestamp())\""
        line +=
            ",\"logger\":\(JSONText.quoted(self.label)),\"message\":\(JSONText.quoted(event.message.description))"
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += ",\(JSONText.quoted(key)):\(Self.json(value))"
        }
        line += "}"
        self.exporter?.append(line)
        if event.level >= self.printedLevel { StandardError.write(line + "\n") }
    }

    /// A number as it is, anything else as a string.
    private static func json(_ value: Logger.Metadata.Value) -> String {
        if case .stringConvertible(let number as any BinaryInteger) = value { return number.description }
        return JSONText.quoted(value.description)
    }

    private static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error, .critical: "error"
        }
    }

    /// The present time as RFC 3339 with nanoseconds.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let date = [1900 + parts.tm_year, 1 + parts.tm_mon, parts.tm_mday].map { padded(Int($0), 2) }
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
        return date.joined(separator: "-") + "T" + time.joined(separator: ":") + ".\(padded(now.tv_nsec, 9))Z"
    }
}
