import LinuxSystem
import Testing

@testable import FilesystemService

@Suite struct WatchTreeTests {
    @Test func `an event with several bits is told in the order create, rename, chmod, write, remove`() throws
    {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.tree.queueRanEmpty()
        #expect(
            model.receive(1, [.created, .movedFrom, .attributesChanged, .modified, .deleted], "a") == [
                "create a", "rename a", "chmod a", "write a", "remove a",
            ])
    }

    @Test func `events of watches that are not the tree's mean nothing`() throws {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        #expect(model.receive(9, .created, "a") == [])
        #expect(model.receive(1, .created, "a") == ["create a"])
    }

    @Test func `what an inner directory says of itself is left to its parent`() throws {
        var model = try TreeModel()
        model.directory("", 1, "d/")
        model.directory("d", 2)
        model.begin()
        #expect(model.receive(2, [.attributesChanged, .isDirectory]) == [])
        #expect(model.receive(2, .movedSelf) == [])
        #expect(model.receive(2, .deletedSelf) == [])
        #expect(model.receive(2, .ignored) == [])
        #expect(model.receive(1, [.deleted, .isDirectory], "d") == ["remove d"])
    }

    @Test func `a new directory is listed, depth first, and its own events are not told twice`() throws {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.directory("d", 2, "b/", "a", "c")
        model.directory("d/b", 3, "x")
        #expect(
            model.receive(1, [.created, .isDirectory], "d") == [
                "create d", "create d/a", "create d/b", "create d/b/x", "create d/c",
            ])
        #expect(model.receive(2, .created, "c") == [])
        #expect(model.receive(2, .modified, "c") == ["write d/c"])
        model.tree.queueRanEmpty()
        #expect(model.receive(2, .created, "c") == ["create d/c"])
    }

    @Test func `what was made again after it was listed is told again`() throws {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.directory("d", 2, "a")
        #expect(model.receive(1, [.created, .isDirectory], "d") == ["create d", "create d/a"])
        #expect(model.receive(2, .created, "a") == [])
        #expect(model.receive(2, .deleted, "a") == ["remove d/a"])
        #expect(model.receive(2, .created, "a") == ["create d/a"])
    }

    @Test func `on a network file system every creation is told`() throws {
        var model = try TreeModel(tellsEveryCreate: true)
        model.directory("", 1)
        model.begin()
        model.directory("d", 2, "a")
        #expect(model.receive(1, [.created, .isDirectory], "d") == ["create d", "create d/a"])
        #expect(model.receive(2, .created, "a") == ["create d/a"])
    }

    @Test func `a directory that is renamed takes what is in it along, and nothing else`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "ab/")
        model.directory("a", 2, "in/")
        model.directory("a/in", 3)
        model.directory("ab", 4)
        model.begin()
        #expect(model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 7) == ["rename a"])
        #expect(model.receive(3, .created, "lost") == [])
        #expect(model.receive(1, [.movedTo, .isDirectory], "b", cookie: 7) == ["create b from a"])
        #expect(model.receive(3, .created, "x") == ["create b/in/x"])
        #expect(model.receive(4, .created, "x") == ["create ab/x"])
    }

    @Test func `a directory that left and did not come back is forgotten`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/")
        model.directory("a", 2, "in/")
        model.directory("a/in", 3)
        model.begin()
        _ = model.tree.takeTouchedWatches()
        #expect(model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 7) == ["rename a"])
        #expect(model.tree.hasMoves)
        for _ in 0..<WatchTree.moveAge { model.tree.endMoves() }
        #expect(!model.tree.hasMoves)
        #expect(model.tree.takeReleasedWatches().sorted() == [2, 3])
        #expect(model.tree.takeTouchedWatches().map(\.watch).sorted() == [2, 3])
        #expect(model.receive(3, .created, "x") == [])
    }

    @Test func `a directory that was listed under a name which another took is listed again`() throws {
        // mkdir a; mv a b; mkdir a: all three have happened when the first event is looked at.
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.directory("a", 3, "new")
        model.directory("b", 2, "old")
        #expect(model.receive(1, [.created, .isDirectory], "a") == ["create a", "create a/new"])
        #expect(model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 1) == ["rename a"])
        #expect(model.receive(1, [.movedTo, .isDirectory], "b", cookie: 1) == ["create b from a"])
        #expect(
            model.receive(1, [.created, .isDirectory], "a") == [
                "create a", "create a/new", "remove b/new", "create b/old",
            ])
        #expect(model.receive(2, .modified, "old") == ["write b/old"])
        #expect(model.receive(3, .modified, "new") == ["write a/new"])
    }

    @Test func `a directory that was renamed before it could be listed is listed under its new name`() throws
    {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.directory("b", 2, "x")
        #expect(model.receive(1, [.created, .isDirectory], "a") == ["create a"])
        #expect(model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 1) == ["rename a"])
        #expect(
            model.receive(1, [.movedTo, .isDirectory], "b", cookie: 1) == ["create b from a", "create b/x"])
        #expect(model.receive(2, .deleted, "x") == ["remove b/x"])
    }

    @Test func `a directory that cannot be found does not end the watch`() throws {
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        #expect(model.receive(1, [.created, .isDirectory], "a") == ["create a"])
        #expect(model.receive(1, [.deleted, .isDirectory], "a") == ["remove a"])
        #expect(model.receive(1, .created, "b") == ["create b"])
    }

    @Test func `after an overflow the differences are told`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "b/", "f", "g")
        model.directory("a", 2, "x")
        model.directory("b", 3, "y")
        model.begin()
        model.directory("", 1, "b/", "c/", "g", "h")
        model.directories["a"] = nil
        model.directory("b", 3, "z")
        model.directory("c", 4, "x")
        #expect(
            model.receive(-1, .overflow) == [
                "remove a/x", "remove a", "remove f", "remove b/y", "create b/z", "create c", "create c/x",
                "create h",
            ])
        #expect(model.receive(4, .modified, "x") == ["write c/x"])
        #expect(model.receive(-1, .overflow) == [])
    }

    @Test func `a file in the place of a directory is another entry`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/")
        model.directory("a", 2, "x")
        model.begin()
        model.directories["a"] = nil
        model.directory("", 1, "a")
        #expect(model.receive(-1, .overflow) == ["remove a/x", "remove a", "create a"])
    }

    @Test(arguments: [
        (WatchEvent.Mask.deletedSelf, "remove ."), (.movedSelf, "rename ."), (.unmounted, "remove ."),
    ])
    func `when the root is gone nothing more is told`(_ mask: WatchEvent.Mask, _ told: String) throws {
        var model = try TreeModel()
        model.directory("", 1, "d/")
        model.directory("d", 2)
        model.begin()
        #expect(model.receive(1, mask) == [told])
        #expect(model.receive(1, .ignored) == [])
        #expect(model.receive(2, .created, "a") == [])
        #expect(model.receive(-1, .overflow) == [])
        #expect(model.tree.takeReleasedWatches().sorted() == [1, 2])
    }

    @Test func `the same directory in two places is watched in one of them`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "b/")
        model.directory("a", 2, "x")
        model.directory("b", 2, "x")
        model.begin()
        #expect(model.receive(2, .modified, "x") == ["write a/x"])
        #expect(model.tree.takeReleasedWatches() == [2])
        #expect(!model.tree.hasDoubts)
    }

    @Test func `of a directory that is mounted a second time, the first name stays in the end`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/")
        model.directory("a", 2, "x")
        model.begin()
        model.directory("b", 2, "x")
        model.directory("", 1, "a/", "b/")
        #expect(model.receive(1, [.created, .isDirectory], "b") == ["create b", "create b/x"])
        #expect(model.settle() == [])
        #expect(!model.tree.hasDoubts)
        #expect(model.receive(2, .modified, "x").count == 1)
    }

    @Test func `a directory that was mistaken for another is found when all has been received`() throws {
        // mkdir p p/a p/a/in; mv p/a p/b; mkdir p/a; then p is listed; rmdir p/a.
        var model = try TreeModel()
        model.directory("", 1)
        model.begin()
        model.directory("", 1, "p/")
        model.directory("p", 2, "a/", "b/")
        model.directory("p/a", 3)
        model.directory("p/b", 4, "in")
        #expect(
            model.receive(1, [.created, .isDirectory], "p") == [
                "create p", "create p/a", "create p/b", "create p/b/in",
            ])
        #expect(model.receive(2, [.created, .isDirectory], "a") == [])
        #expect(model.receive(2, [.movedFrom, .isDirectory], "a", cookie: 1) == ["rename p/a"])
        #expect(
            model.receive(2, [.movedTo, .isDirectory], "b", cookie: 1) == [
                "remove p/b/in", "create p/b from p/a",
            ])
        model.directories["p/a"] = nil
        model.directory("p", 2, "b/")
        #expect(model.receive(2, [.created, .isDirectory], "a") == ["create p/a"])
        #expect(model.receive(3, .ignored) == [])
        #expect(model.receive(2, [.deleted, .isDirectory], "a") == ["remove p/a"])
        #expect(model.receive(4, .created, "lost") == [])
        #expect(model.settle() == ["create p/b/in"])
        #expect(!model.tree.hasDoubts)
        #expect(model.receive(4, .created, "x") == ["create p/b/x"])
    }

    @Test func `nothing is in doubt after a move that was received before anything else happened`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/")
        model.directory("a", 2)
        model.begin()
        model.tree.queueRanEmpty()
        #expect(model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 1) == ["rename a"])
        #expect(model.receive(1, [.movedTo, .isDirectory], "b", cookie: 1) == ["create b from a"])
        #expect(!model.tree.hasDoubts)
    }

    @Test func `what a listing did not find any more is told to be gone once`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a", "b")
        model.begin()
        model.directory("", 1, "b")
        #expect(model.receive(-1, .overflow) == ["remove a"])
        #expect(model.receive(1, .deleted, "a") == [])
        #expect(model.receive(1, .created, "a") == ["create a"])
        #expect(model.receive(1, .deleted, "a") == ["remove a"])
        model.tree.queueRanEmpty()
        #expect(model.receive(1, .deleted, "unknown") == ["remove unknown"])
    }

    @Test func `what was known in a directory is told to be gone when another takes its place`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a/", "c/")
        model.directory("a", 2, "x", "in/")
        model.directory("a/in", 3, "y")
        model.directory("c", 4)
        model.begin()
        model.tree.queueRanEmpty()
        #expect(model.receive(1, [.movedFrom, .isDirectory], "c", cookie: 1) == ["rename c"])
        #expect(
            model.receive(1, [.movedTo, .isDirectory], "a", cookie: 1) == [
                "remove a/in/y", "remove a/in", "remove a/x", "create a from c",
            ])
        #expect(model.receive(4, .created, "z") == ["create a/z"])
    }

    @Test func `what was in a directory does not come back with it when it was listed meanwhile`() throws {
        // mkdir q; mv c q/e; rm q/e/old: all have happened when the first event is looked at.
        var model = try TreeModel()
        model.directory("", 1, "c/")
        model.directory("c", 5, "old", "z")
        model.begin()
        model.directories["c"] = nil
        model.directory("", 1, "q/")
        model.directory("q", 2, "e/")
        model.directory("q/e", 5, "z")
        #expect(
            model.receive(1, [.created, .isDirectory], "q") == ["create q", "create q/e", "create q/e/z"])
        #expect(model.receive(1, [.movedFrom, .isDirectory], "c", cookie: 1) == ["rename c"])
        #expect(model.receive(2, [.movedTo, .isDirectory], "e", cookie: 1) == ["create q/e"])
        // It left with `c`, and did not come back.
        #expect(model.receive(5, .deleted, "old") == [])
        #expect(model.settle() == [])
    }

    @Test func `a flat tree takes directories for entries`() throws {
        var model = try TreeModel(isRecursive: false)
        model.directory("", 1, "d/")
        model.begin()
        #expect(model.receive(1, [.created, .isDirectory], "e") == ["create e"])
        #expect(model.receive(1, [.movedFrom, .isDirectory], "e", cookie: 3) == ["rename e"])
        #expect(model.receive(1, [.movedTo, .isDirectory], "d", cookie: 3) == ["create d from e"])
    }

    @Test func `both names of a rename are told when both are known`() throws {
        var model = try TreeModel()
        model.directory("", 1, "a", "d/")
        model.directory("d", 2)
        model.begin()
        var changes: [WatchChange] = []
        let from = WatchEvent(watch: 1, mask: .movedFrom, cookie: 5, name: Array("a".utf8))
        let to = WatchEvent(watch: 2, mask: .movedTo, cookie: 5, name: Array("b".utf8))
        _ = model.tree.receive(from, before: to, into: &changes)
        _ = model.tree.receive(to, into: &changes)
        #expect(
            changes == [
                WatchChange(
                    .rename, WatchPath(Array("a".utf8)), destination: WatchPath(Array("d/b".utf8))),
                WatchChange(.create, WatchPath(Array("d/b".utf8)), origin: WatchPath(Array("a".utf8))),
            ])
    }

    @Test func `directories that are left out are not watched`() throws {
        var model = try TreeModel(excluding: ["**/out"])
        model.directory("", 1, "in/", "out/")
        model.directory("in", 2, "out/")
        model.directory("out", 3)
        model.directory("in/out", 4)
        model.begin()
        #expect(model.tree.takeTouchedWatches().map(\.watch).sorted() == [1, 2])
        #expect(model.receive(3, .created, "x") == [])
        #expect(model.receive(2, .created, "x") == ["create in/x"])
    }

    @Test func `a directory whose new name is not left out is watched`() throws {
        var model = try TreeModel(excluding: ["a/out", "gone"])
        model.directory("", 1, "a/")
        model.directory("a", 2, "out/")
        model.directory("a/out", 3, "x")
        model.begin()
        _ = model.receive(1, [.movedFrom, .isDirectory], "a", cookie: 1)
        model.directory("b", 2, "out/")
        model.directory("b/out", 3, "x")
        #expect(
            model.receive(1, [.movedTo, .isDirectory], "b", cookie: 1) == [
                "create b from a", "create b/out/x",
            ])
        #expect(model.receive(3, .modified, "x") == ["write b/out/x"])
        _ = model.receive(1, [.movedFrom, .isDirectory], "b", cookie: 2)
        _ = model.receive(1, [.movedTo, .isDirectory], "gone", cookie: 2)
        #expect(model.receive(3, .modified, "x") == [])
    }
}
