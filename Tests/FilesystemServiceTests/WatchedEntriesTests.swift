import Testing

@testable import FilesystemService

@Suite struct WatchedEntriesTests {
    @Test(arguments: [4, 40, 4000])
    func `it says the same as a dictionary, whatever is done to it`(_ names: Int) {
        var random = SystemRandomNumberGenerator()
        var entries = WatchedEntries()
        var model: [[UInt8]: WatchedEntries.Entry] = [:]
        for _ in 0..<(10 * names) {
            let name = Array("name \(Int.random(in: 0..<names, using: &random))".utf8)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                #expect(entries.remove(name) == (model.removeValue(forKey: name) != nil))
            case 1:
                let entry = WatchedEntries.Entry(
                    isDirectory: true, node: Int32.random(in: 0..<1000, using: &random))
                entries.set(name, entry)
                model[name] = entry
            case 2:
                let entry = WatchedEntries.Entry(isDirectory: Bool.random(using: &random), node: nil)
                entries.set(name, entry)
                model[name] = entry
            default:
                #expect(entries.entry(name) == model[name])
            }
            #expect(entries.count == model.count)
        }
        let all = Dictionary(uniqueKeysWithValues: entries.all.map { ($0.name, $0.entry) })
        #expect(all == model)
    }

    @Test func `names are bytes, of any length that a file system allows`() {
        var entries = WatchedEntries()
        let names: [[UInt8]] = [[0xFF, 0xFE], Array(repeating: 0x61, count: 255), [0x2E]]
        for name in names { entries.set(name, .init(isDirectory: false, node: nil)) }
        for name in names { #expect(entries.entry(name) != nil) }
        entries.set([], .init(isDirectory: false, node: nil))
        entries.set(Array(repeating: 0x61, count: 256), .init(isDirectory: false, node: nil))
        #expect(entries.count == names.count)
    }
}
