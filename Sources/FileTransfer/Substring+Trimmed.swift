extension StringProtocol where SubSequence == Substring {
    /// Without spaces and tabs around it.
    var trimmed: Substring {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var rest = self[...]
        while let first = rest.utf8.first, isSpace(first) { rest.utf8.removeFirst() }
        while let last = rest.utf8.last, isSpace(last) { rest.utf8.removeLast() }
        return rest
    }
}
