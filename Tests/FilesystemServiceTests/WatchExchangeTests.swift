import LinuxSystem
import Testing

@testable import FilesystemService

/// What renameat2(2) tells with `RENAME_EXCHANGE`, as the kernel does.
@Suite struct WatchExchangeTests {
    /// `a` and `b` are directories with something in each.
    private static func directories() throws -> TreeModel {
        var model = try TreeModel()
        model.directory("", 1, "a/", "b/")
        model.directory("a", 2, "of a", "in/")
        model.directory("a/in", 4)
        model.directory("b", 3, "of b")
        model.begin()
        model.tree.queueRanEmpty()
        return model
    }

    private static func event(
        _ watch: Int32, _ mask: WatchEvent.Mask, _ name: String = "", cookie: UInt32 = 0
    ) -> WatchEvent {
        WatchEvent(watch: watch, mask: mask, cookie: cookie, name: Array(name.utf8))
    }

    /// Two directories in the root whose watches are 2 and 3.
    private static let exchange = [
        event(1, [.movedFrom, .isDirectory], "a", cookie: 7),
        event(1, [.movedTo, .isDirectory], "b", cookie: 7),
        event(2, .movedSelf),
        event(1, [.movedFrom, .isDirectory], "b", cookie: 8),
        event(1, [.movedTo, .isDirectory], "a", cookie: 8),
        event(3, .movedSelf),
    ]

    @Test func `two directories change places with what is in them`() throws {
        var model = try Self.directories()
        #expect(
            model.receive(together: Self.exchange) == [
                "rename a", "create b from a", "rename b", "create a from b",
            ])
        #expect(model.receive(2, .modified, "of a") == ["write b/of a"])
        #expect(model.receive(4, .created, "x") == ["create b/in/x"])
        #expect(model.receive(3, .modified, "of b") == ["write a/of b"])
        #expect(!model.tree.hasMoves)
    }

    @Test func `exchanged twice, they are where they were`() throws {
        var model = try Self.directories()
        _ = model.receive(together: Self.exchange)
        let back = [
            Self.event(1, [.movedFrom, .isDirectory], "a", cookie: 9),
            Self.event(1, [.movedTo, .isDirectory], "b", cookie: 9),
            Self.event(3, .movedSelf),
            Self.event(1, [.movedFrom, .isDirectory], "b", cookie: 10),
            Self.event(1, [.movedTo, .isDirectory], "a", cookie: 10),
            Self.event(2, .movedSelf),
        ]
        #expect(
            model.receive(together: back) == ["rename a", "create b from a", "rename b", "create a from b"])
        #expect(model.receive(2, .modified, "of a") == ["write a/of a"])
        #expect(model.receive(3, .modified, "of b") == ["write b/of b"])
    }

    @Test func `what is told to be gone, because no more was known, is told to be there again`() throws {
        var model = try Self.directories()
        model.directory("a", 3, "of b")
        model.directory("b", 2, "of a", "in/")
        model.directory("b/in", 4)
        var told: [String] = []
        for event in Self.exchange { told += model.receive(together: [event]) }
        #expect(
            told == [
                "rename a", "remove b/of b", "create b from a", "rename b", "create a from b",
                "create a/of b",
            ])
        #expect(model.receive(2, .modified, "of a") == ["write b/of a"])
        #expect(model.receive(3, .modified, "of b") == ["write a/of b"])
    }

    @Test func `a directory takes the place of a file, and the file its`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "b")
        model.directory("a", 2, "of a")
        model.begin()
        model.tree.queueRanEmpty()
        let events = [
            Self.event(1, [.movedFrom, .isDirectory], "a", cookie: 7),
            Self.event(1, [.movedTo, .isDirectory], "b", cookie: 7),
            Self.event(2, .movedSelf),
            Self.event(1, .movedFrom, "b", cookie: 8),
            Self.event(1, .movedTo, "a", cookie: 8),
        ]
        #expect(
            model.receive(together: events) == [
                "rename a", "create b from a", "rename b", "create a from b",
            ])
        #expect(model.receive(2, .modified, "of a") == ["write b/of a"])
    }

    @Test func `a file takes the place of a directory, and the directory its`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a", "b/")
        model.directory("b", 2, "of b")
        model.begin()
        model.tree.queueRanEmpty()
        let events = [
            Self.event(1, .movedFrom, "a", cookie: 7),
            Self.event(1, .movedTo, "b", cookie: 7),
            Self.event(1, [.movedFrom, .isDirectory], "b", cookie: 8),
            Self.event(1, [.movedTo, .isDirectory], "a", cookie: 8),
            Self.event(2, .movedSelf),
        ]
        #expect(
            model.receive(together: events) == [
                "rename a", "create b from a", "rename b", "create a from b",
            ])
        #expect(model.receive(2, .modified, "of b") == ["write a/of b"])
    }

    @Test func `a directory that replaced an empty one and went back is not taken for that one`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "b/")
        model.directory("a", 2, "of a")
        model.directory("b", 3)
        model.begin()
        model.tree.queueRanEmpty()
        let events = [
            Self.event(1, [.movedFrom, .isDirectory], "a", cookie: 7),
            Self.event(1, [.movedTo, .isDirectory], "b", cookie: 7),
            Self.event(3, [.attributesChanged, .isDirectory]),
            Self.event(2, .movedSelf),
            Self.event(3, .deletedSelf),
            Self.event(3, .ignored),
            Self.event(1, [.movedFrom, .isDirectory], "b", cookie: 8),
            Self.event(1, [.movedTo, .isDirectory], "a", cookie: 8),
            Self.event(2, .movedSelf),
        ]
        #expect(
            model.receive(together: events) == [
                "rename a", "create b from a", "rename b", "create a from b",
            ])
        #expect(model.receive(2, .modified, "of a") == ["write a/of a"])
        #expect(model.receive(3, .created, "x") == [])
        #expect(!model.tree.hasMoves)
    }

    @Test func `half of an exchange, the other being elsewhere, is forgotten`() throws {
        var model = try Self.directories()
        _ = model.tree.takeTouchedWatches()
        _ = model.receive(together: Array(Self.exchange.prefix(3)))
        #expect(model.tree.hasMoves)
        for _ in 0..<WatchTree.moveAge { model.tree.endMoves() }
        #expect(!model.tree.hasMoves)
        #expect(model.tree.takeReleasedWatches() == [3])
        #expect(model.receive(2, .modified, "of a") == ["write b/of a"])
        #expect(model.receive(3, .modified, "of b") == [])
    }
}
