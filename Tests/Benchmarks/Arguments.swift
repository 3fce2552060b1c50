import Glibc

/// A command line in the form of argv.
final class Arguments {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        self.count = strings.count
        self.pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { (self.pointer + index).initialize(to: strdup(string)) }
        (self.pointer + strings.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<self.count { free(self.pointer[index]) }
        self.pointer.deallocate()
    }
}
