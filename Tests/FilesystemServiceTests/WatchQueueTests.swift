import Testing

@testable import FilesystemService

@Suite struct WatchQueueTests {
    private static func change(_ kind: WatchChange.Kind, _ path: String) -> WatchQueue.Item {
        .change(WatchChange(kind, WatchPath(Array(path.utf8))), nil)
    }

    private static func item(_ number: Int) -> WatchQueue.Item { Self.change(.create, "\(number)") }

    private static func texts(_ queue: inout WatchQueue, upTo cursor: UInt64 = .max) -> [String] {
        var texts: [String] = []
        while let (item, _) = queue.next(upTo: cursor) {
            switch item {
            case .change(let change, _):
                texts.append(change.kind == .create ? change.path.text : "\(change.kind) \(change.path.text)")
            case .overflow(let lost): texts.append("lost \(lost.map(String.init) ?? "some")")
            }
        }
        return texts
    }

    private static func seek(_ queue: inout WatchQueue, after cursor: UInt64, forgetting: Bool) -> Bool {
        queue.seek(after: cursor, forgetting: forgetting)
    }

    @Test func `events come out as they went in`() {
        var queue = WatchQueue(WatchLimits())
        #expect(queue.isEmpty)
        for number in 1...3 { queue.append(Self.item(number)) }
        #expect(!queue.isEmpty)
        #expect(Self.texts(&queue) == ["1", "2", "3"])
        #expect(queue.isEmpty)
    }

    @Test func `what was not taken is never dropped, and a full queue says so`() {
        var limits = WatchLimits()
        limits.queuedEvents = 3
        var queue = WatchQueue(limits)
        for number in 1...2 { queue.append(Self.item(number)) }
        #expect(!queue.isFull())
        for number in 3...10 { queue.append(Self.item(number)) }
        #expect(queue.isFull())
        #expect(Self.texts(&queue) == (1...10).map(String.init))
        #expect(!queue.isFull())
    }

    @Test func `a queue is full of bytes too`() {
        var limits = WatchLimits()
        limits.queuedBytes = 1000
        var queue = WatchQueue(limits)
        queue.append(Self.item(1))
        #expect(!queue.isFull())
        for number in 2...100 { queue.append(Self.item(number)) }
        #expect(queue.isFull())
        #expect(Self.texts(&queue).count == 100)
    }

    @Test func `of too many events that were taken the oldest go, and who asks for them is told how many`() {
        var limits = WatchLimits()
        limits.queuedEvents = 3
        var queue = WatchQueue(limits)
        queue.retains = true
        for number in 1...10 { queue.append(Self.item(number)) }
        #expect(Self.texts(&queue).count == 10)
        queue.append(Self.item(11))
        #expect(Self.seek(&queue, after: 0, forgetting: false))
        #expect(Self.texts(&queue) == ["lost 8", "9", "10", "11"])
    }

    @Test func `cursors count the events`() {
        var queue = WatchQueue(WatchLimits())
        for number in 1...3 { queue.append(Self.item(number)) }
        #expect(queue.cursor == 0)
        #expect(queue.last == 3)
        let next = queue.next()
        #expect(next?.cursor == 1)
        #expect(queue.cursor == 1)
        #expect(Self.texts(&queue, upTo: 2) == ["2"])
        #expect(Self.texts(&queue) == ["3"])
    }

    @Test func `events that stay can be taken again, until they are forgotten`() {
        var queue = WatchQueue(WatchLimits())
        queue.retains = true
        for number in 1...5 { queue.append(Self.item(number)) }
        #expect(Self.texts(&queue).count == 5)
        #expect(Self.seek(&queue, after: 2, forgetting: true) == true)
        #expect(Self.texts(&queue) == ["3", "4", "5"])
        #expect(Self.seek(&queue, after: 3, forgetting: false) == true)
        #expect(Self.texts(&queue) == ["4", "5"])
        #expect(Self.seek(&queue, after: 6, forgetting: true) == false)
        #expect(Self.seek(&queue, after: 0, forgetting: true) == true)
        #expect(Self.texts(&queue) == ["lost 2", "3", "4", "5"])
        #expect(Self.seek(&queue, after: 5, forgetting: true) == true)
        #expect(queue.isEmpty)
    }

    @Test func `events that stay go when there are too many, though they were taken`() {
        var limits = WatchLimits()
        limits.queuedEvents = 3
        var queue = WatchQueue(limits)
        queue.retains = true
        for number in 1...3 { queue.append(Self.item(number)) }
        #expect(Self.texts(&queue) == ["1", "2", "3"])
        for number in 4...5 { queue.append(Self.item(number)) }
        #expect(Self.texts(&queue) == ["4", "5"])
        #expect(Self.seek(&queue, after: 0, forgetting: true) == true)
        #expect(Self.texts(&queue) == ["lost 2", "3", "4", "5"])
    }

    @Test func `what is said of an entry more than once is told once, if nothing else happened to it`() {
        var queue = WatchQueue(WatchLimits(), merges: true)
        queue.append(Self.item(1))
        for _ in 0..<3 { queue.append(Self.change(.write, "1")) }
        queue.append(Self.change(.write, "2"))
        for _ in 0..<2 { queue.append(Self.change(.chmod, "1")) }
        queue.append(Self.change(.write, "1"))
        queue.append(Self.change(.remove, "1"))
        queue.append(Self.item(1))
        queue.append(Self.change(.write, "1"))
        queue.append(Self.change(.write, "2"))
        #expect(
            Self.texts(&queue) == ["1", "write 1", "write 2", "chmod 1", "remove 1", "1", "write 1"])
        queue.append(Self.change(.write, "1"))
        #expect(Self.texts(&queue) == ["write 1"])
    }

    @Test func `what was renamed is not what had its name before`() {
        var queue = WatchQueue(WatchLimits(), merges: true)
        queue.append(Self.change(.write, "d/a"))
        queue.append(Self.change(.rename, "d"))
        queue.append(Self.item(1))
        queue.append(Self.change(.write, "d/a"))
        #expect(Self.texts(&queue) == ["write d/a", "rename d", "1", "write d/a"])
    }
}
