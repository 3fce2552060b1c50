import LinuxSystem
import SandboxContext

/// Writes many `EntryInfo`s as JSON: what SwiftProtobuf makes of the messages, without the messages.
///
/// - SeeAlso: `Filesystem_EntryInfo.init(_:path:_:)`, which says what the fields mean.
struct EntryJSON {
    private let names: OwnerNames.Names
    /// Whether only what the first SDKs know is written.
    private let isReduced: Bool
    // What mostly stays the same from one entry to the next, ready to be copied.
    private var mode: (mode: UInt32, text: [UInt8])?
    private var owner: (uid: UInt32, gid: UInt32, text: [UInt8])?
    private var date: (day: Int64, text: [UInt8])?

    init(_ names: OwnerNames.Names, isReduced: Bool) {
        self.names = names
        self.isReduced = isReduced
    }

    /// Appends the object for one entry to `json`.
    ///
    /// - Parameter above: the path of its directory, ended by a slash, escaped.
    mutating func append(
        _ facts: EntryFacts, _ name: ArraySlice<UInt8>, above: [UInt8], to json: inout [UInt8]
    ) {
        let status = facts.status
        let described = status.kind == .symbolicLink ? facts.targetStatus : status
        json += #"{"name":""#.utf8
        let nameStart = json.count
        Self.appendEscaped(name, to: &json)
        let nameEnd = json.count
        switch described?.kind {
        case .regular: json += #"","type":"FILE_TYPE_FILE"#.utf8
        case .directory: json += #"","type":"FILE_TYPE_DIRECTORY"#.utf8
        default: break
        }
        json += #"","path":""#.utf8
        json += above
        json += json[nameStart..<nameEnd]
        json.append(UInt8(ascii: "\""))
        guard !self.isReduced else {
            json.append(UInt8(ascii: "}"))
            return
        }
        if status.size != 0 {
            json += #","size":""#.utf8
            Self.append(status.size, to: &json)
            json.append(UInt8(ascii: "\""))
        }
        if let permissions = described?.permissions, permissions != 0 {
            json += #","mode":"#.utf8
            Self.append(Int64(permissions), to: &json)
        }
        self.appendModeText(status, to: &json)
        self.appendOwner(status, to: &json)
        self.appendTime(status, to: &json)
        if status.kind == .symbolicLink {
            json += #","symlinkTarget":""#.utf8
            if let target = facts.target {
                Self.appendEscaped(target.bytes, to: &json)
            } else {
                json += above
                json += json[nameStart..<nameEnd]
            }
            json.append(UInt8(ascii: "\""))
        }
        self.appendMetadata(facts.metadata, to: &json)
        json.append(UInt8(ascii: "}"))
    }

    private mutating func appendModeText(_ status: FileStatus, to json: inout [UInt8]) {
        if self.mode?.mode != status.mode {
            self.mode = (status.mode, Array(#","permissions":"\#(status.modeText)""#.utf8))
        }
        if let mode { json += mode.text }
    }

    private mutating func appendOwner(_ status: FileStatus, to json: inout [UInt8]) {
        if self.owner?.uid != status.uid || self.owner?.gid != status.gid {
            var text: [UInt8] = []
            let user = self.names.user(status.uid)
            let group = self.names.group(status.gid)
            for (field, name) in [("owner", user), ("group", group)] where !name.isEmpty {
                text += #","\#(field)":""#.utf8
                Self.appendEscaped(Array(name.utf8)[...], to: &text)
                text.append(UInt8(ascii: "\""))
            }
            self.owner = (status.uid, status.gid, text)
        }
        if let owner { json += owner.text }
    }

    private func appendMetadata(_ metadata: [String: String], to json: inout [UInt8]) {
        guard !metadata.isEmpty else { return }
        json += #","metadata":{"#.utf8
        var isFirst = true
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            json += (isFirst ? "\"" : ",\"").utf8
            isFirst = false
            Self.appendEscaped(Array(key.utf8)[...], to: &json)
            json += "\":\"".utf8
            Self.appendEscaped(Array(value.utf8)[...], to: &json)
            json.append(UInt8(ascii: "\""))
        }
        json.append(UInt8(ascii: "}"))
    }

    // MARK: Values

    private static let secondsOfDay: Int64 = 86_400

    /// RFC 3339 with 0, 3, 6 or 9 digits of a second.
    private mutating func appendTime(_ status: FileStatus, to json: inout [UInt8]) {
        guard let time = status.protobufTime else { return }
        var day = time.seconds / Self.secondsOfDay
        var second = time.seconds % Self.secondsOfDay
        if second < 0 {
            second += Self.secondsOfDay
            day -= 1
        }
        if self.date?.day != day {
            let civil = CivilDate(daysSinceEpoch: day)
            var text = Array(#","modifiedTime":""#.utf8)
            Self.append(civil.year, digits: 4, to: &text)
            text.append(UInt8(ascii: "-"))
            Self.append(civil.month, digits: 2, to: &text)
            text.append(UInt8(ascii: "-"))
            Self.append(civil.day, digits: 2, to: &text)
            text.append(UInt8(ascii: "T"))
            self.date = (day, text)
        }
        if let date { json += date.text }
        Self.append(Int(second / 3600), digits: 2, to: &json)
        json.append(UInt8(ascii: ":"))
        Self.append(Int(second / 60 % 60), digits: 2, to: &json)
        json.append(UInt8(ascii: ":"))
        Self.append(Int(second % 60), digits: 2, to: &json)
        let nanoseconds = Int(time.nanoseconds)
        if nanoseconds != 0 {
            json.append(UInt8(ascii: "."))
            if nanoseconds % 1_000_000 == 0 {
                Self.append(nanoseconds / 1_000_000, digits: 3, to: &json)
            } else if nanoseconds % 1000 == 0 {
                Self.append(nanoseconds / 1000, digits: 6, to: &json)
            } else {
                Self.append(nanoseconds, digits: 9, to: &json)
            }
        }
        json += "Z\"".utf8
    }

    /// Appends the last `digits` decimal digits of a number that is not negative.
    private static func append(_ number: Int, digits: Int, to json: inout [UInt8]) {
        var power = 1
        for _ in 1..<digits { power *= 10 }
        while power > 0 {
            json.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / power % 10))
            power /= 10
        }
    }

    private static func append(_ number: Int64, to json: inout [UInt8]) {
        json += String(number).utf8
    }

    /// Appends text as it stands in a JSON string; what is not UTF-8 becomes U+FFFD.
    static func appendEscaped(_ text: ArraySlice<UInt8>, to json: inout [UInt8]) {
        let isPlain = text.allSatisfy {
            $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        guard !isPlain else {
            json += text
            return
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"": json += "\\\"".utf8
            case "\\": json += "\\\\".utf8
            case "\u{8}": json += "\\b".utf8
            case "\t": json += "\\t".utf8
            case "\n": json += "\\n".utf8
            case "\u{c}": json += "\\f".utf8
            case "\r": json += "\\r".utf8
            case "\u{0}"..<" ", "\u{7f}"..."\u{9f}":
                let digits = Array("0123456789ABCDEF".utf8)
                json += "\\u00".utf8
                json.append(digits[Int(scalar.value >> 4)])
                json.append(digits[Int(scalar.value & 15)])
            default: json += String(scalar).utf8
            }
        }
    }
}
