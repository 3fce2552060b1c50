import Testing

@testable import FilesystemService

@Suite struct WatchQueueTests {
    private static func item(_ number: Int) -> WatchQueue.Item {
        .change(WatchChange(.create, WatchPath(Array("\(number)".utf8))), nil)
    }

    private static func texts(_ queue: inout WatchQueue) -> [String] {
        var texts: [String] = []
        while let item = queue.popFirst() {
            switch item {
            case .change(let change, _): texts.append(change.path.text)
            case .overflow(let lost): texts.append("lost \(lost.map(String.init) ?? "some")")
            }
        }
        return texts
    }

    @Test func `events come out as they went in`() {
        var queue = WatchQueue(WatchLimits())
        #expect(queue.isEmpty)
        for number in 1...3 { queue.append(Self.item(number)) }
        #expect(!queue.isEmpty)
        #expect(Self.texts(&queue) == ["1", "2", "3"])
        #expect(queue.isEmpty)
    }

    @Test func `of too many events the oldest go, and their number is told in their place`() {
        var limits = WatchLimits()
        limits.queuedEvents = 3
        var queue = WatchQueue(limits)
        for number in 1...10 { queue.append(Self.item(number)) }
        #expect(Self.texts(&queue) == ["lost 7", "8", "9", "10"])
        queue.append(Self.item(11))
        #expect(Self.texts(&queue) == ["11"])
    }

    @Test func `of too many bytes the oldest go`() {
        var limits = WatchLimits()
        limits.queuedBytes = 1000
        var queue = WatchQueue(limits)
        for number in 1...100 { queue.append(Self.item(number)) }
        let texts = Self.texts(&queue)
        #expect(texts.first == "lost \(101 - texts.count)")
        #expect(texts.last == "100")
        #expect(texts.count > 2)
    }
}
