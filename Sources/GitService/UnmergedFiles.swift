/// Reads `git ls-files --unmerged -z`.
enum UnmergedFiles {
    /// The paths, each once, in order.
    ///
    /// Layout: `MODE OBJECT STAGE`, a tab and the path, for each stage of each path.
    static func parse(_ bytes: [UInt8]) -> [[UInt8]] {
        var paths: [[UInt8]] = []
        var fields = Fields(bytes)
        while let record = fields.next() {
            guard let tab = record.firstIndex(of: UInt8(ascii: "\t")) else { continue }
            let path = Array(record[(tab + 1)...])
            if paths.last != path { paths.append(path) }
        }
        return paths
    }
}
