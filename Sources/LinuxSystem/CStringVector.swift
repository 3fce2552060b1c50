/// Strings in the form of argv and envp: an array of pointers to NUL-terminated bytes, ended by a null
/// pointer.
///
/// Layout: one allocation for the pointers, one for the bytes of all strings.
struct CStringVector: ~Copyable {
    /// How many strings there are.
    let count: Int
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let bytes: UnsafeMutablePointer<CChar>

    /// Copies `strings`, which must not contain NUL.
    init(_ strings: [String]) {
        let size = strings.reduce(0) { $0 + $1.utf8.count + 1 }
        self.count = strings.count
        self.pointers = .allocate(capacity: strings.count + 1)
        self.bytes = .allocate(capacity: size)
        var next = self.bytes
        for (index, string) in strings.enumerated() {
            (self.pointers + index).initialize(to: next)
            for byte in string.utf8 {
                next.initialize(to: CChar(bitPattern: byte))
                next += 1
            }
            next.initialize(to: 0)
            next += 1
        }
        (self.pointers + strings.count).initialize(to: nil)
    }

    /// The same, for functions that promise not to write.
    var constantPointers: UnsafePointer<UnsafeMutablePointer<CChar>?> {
        UnsafePointer(self.pointers)
    }

    /// The first string, nil if there is none.
    var first: UnsafePointer<CChar>? {
        UnsafePointer(self.pointers.pointee)
    }

    deinit {
        self.pointers.deallocate()
        self.bytes.deallocate()
    }
}
