internal import Glibc
import LinuxSystem
import SystemPackage

/// Content types by file name extension: built-in ones, and what the system's databases add.
struct MediaTypeTable: Sendable {
    /// The one that downloads use. The databases are read at its first use, which must be where blocking is fine.
    static let system = MediaTypeTable(
        globs: ["/usr/local/share/mime/globs2", "/usr/share/mime/globs2"],
        lists: [
            "/etc/mime.types", "/etc/apache2/mime.types", "/etc/apache/mime.types",
            "/etc/httpd/conf/mime.types",
        ])

    /// By extension with its dot, as it is in the databases.
    private var exact: [String: String] = [:]
    /// By extension in lower case.
    private var folded: [String: String] = [:]

    /// The built-in types, extended by the first database of `globs` that there is, else by all of `lists`.
    init(globs: [String] = [], lists: [String] = []) {
        for (type, extensions) in Self.builtIn {
            for name in extensions.split(separator: " ") { self.set(String(name), type) }
        }
        for path in globs {
            guard let text = Self.text(of: path) else { continue }
            self.add(globs: text)
            return
        }
        for path in lists {
            if let text = Self.text(of: path) { self.add(list: text) }
        }
    }

    /// The type of a file called `path`, as the value of a `Content-Type` header; nil if its name says nothing.
    func type(of path: String) -> String? {
        let name = path.utf8[
            (path.utf8.lastIndex(of: UInt8(ascii: "/")).map(path.utf8.index(after:)) ?? path.startIndex)...]
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let suffix = String(path[dot...])
        return self.exact[suffix] ?? self.folded[suffix.lowercased()]
    }

    private mutating func set(_ name: String, _ type: String) {
        let isBareText = type.hasPrefix("text/") && !type.contains("charset=")
        let type = isBareText ? type + "; charset=utf-8" : type
        self.exact[name] = type
        self.folded[name.lowercased()] = type
    }

    /// Adds what is not known yet of lines `weight:type:*.extension`.
    mutating func add(globs text: String) {
        for line in text.split(separator: "\n") where line.first != "#" {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 3, fields[2].hasPrefix("*."), fields[2].utf8.count > 2 else { continue }
            let name = String(fields[2].dropFirst())
            guard !name.contains(where: { "?*[".contains($0) }), self.exact[name] == nil else { continue }
            self.set(name, String(fields[1]))
        }
    }

    /// Adds lines `type extension …`; what they say takes precedence.
    mutating func add(list text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split { $0 == " " || $0 == "\t" }
            guard let type = fields.first, !type.hasPrefix("#") else { continue }
            for name in fields.dropFirst().prefix(while: { !$0.hasPrefix("#") }) {
                self.set(".\(name)", String(type))
            }
        }
    }

    /// Bytes of a database at most; the ones of distributions have a tenth of it.
    private static let databaseLimit = 1 << 20

    /// What a file says; nil if it cannot be read.
    private static func text(of path: String) -> String? {
        guard let file = try? OwnedDescriptor.open(path, flags: O_RDONLY) else { return nil }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < Self.databaseLimit {
            guard let count = try? piece.withUnsafeMutableBytes({ try file.read(into: $0) }) else {
                return nil
            }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let builtIn: KeyValuePairs = [
        "application/postscript": ".ai .eps .ps",
        "application/vnd.android.package-archive": ".apk",
        "image/apng": ".apng",
        "image/avif": ".avif",
        "image/bmp": ".bmp",
        "image/gif": ".gif",
        "image/png": ".png",
        "image/webp": ".webp",
        "image/jpeg": ".jfif .jpeg .jpg .pjp .pjpeg",
        "image/tiff": ".tif .tiff",
        "image/svg+xml": ".svg",
        "image/vnd.microsoft.icon": ".ico",
        "image/x-xbitmap": ".xbm",
        "application/octet-stream": ".bin .com .exe",
        "text/css": ".css",
        "text/csv": ".csv",
        "text/html": ".ehtml .htm .html .shtml",
        "text/calendar": ".ics",
        "text/javascript": ".js .mjs",
        "text/plain": ".text .txt",
        "text/vtt": ".vtt",
        "text/xml": ".xbl .xml .xsl",
        "application/json": ".json",
        "application/pdf": ".pdf",
        "application/gzip": ".gz",
        "application/zip": ".zip",
        "application/wasm": ".wasm",
        "application/rtf": ".rtf",
        "application/rdf+xml": ".rdf",
        "application/xhtml+xml": ".xht .xhtml",
        "application/msword": ".doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
        "application/vnd.ms-excel": ".xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
        "application/vnd.ms-powerpoint": ".ppt",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
        "message/rfc822": ".eml",
        "audio/flac": ".flac",
        "audio/mp4": ".m4a",
        "audio/mpeg": ".mp3",
        "audio/wav": ".wav",
        "audio/webm": ".webm",
        "audio/ogg": ".oga .ogg .opus",
        "video/mp4": ".mp4",
        "video/ogg": ".ogv",
    ]
}
