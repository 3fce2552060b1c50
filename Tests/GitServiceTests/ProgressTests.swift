import Testing

@testable import GitService

@Suite struct ProgressTests {
    @Test func `a line has a phase, counts and throughput`() throws {
        let progress = try #require(
            GitProgress(line: "Receiving objects:  45% (450/1000), 1.50 MiB | 2.00 KiB/s"))
        #expect(progress.phase == "Receiving objects" && !progress.isRemote && !progress.isDone)
        #expect(progress.percent == 45 && progress.objects == 450 && progress.total == 1000)
        #expect(progress.bytes == 1_572_864 && progress.bytesPerSecond == 2048)
    }

    @Test func `the server's lines, the ends of phases, and what has no total`() throws {
        let counting = try #require(GitProgress(line: "remote: Counting objects: 100% (5/5), done.        "))
        #expect(counting.isRemote && counting.isDone && counting.phase == "Counting objects")
        let enumerating = try #require(GitProgress(line: "remote: Enumerating objects: 52, done."))
        #expect(enumerating.percent == nil && enumerating.objects == 52 && enumerating.isDone)
        let received = try #require(
            GitProgress(line: "Receiving objects: 100% (9/9), 512 bytes | 512.00 KiB/s, done."))
        #expect(received.bytes == 512 && received.bytesPerSecond == 524_288 && received.isDone)
    }

    @Test(arguments: [
        "", "Cloning into 'x'...", "fatal: repository 'x' not found", "remote: hello", "warning: 5",
        "error: 12% (x)", "a: b", ": 5", "Updating 1234567..89abcde", "remote: Total 5 (delta 0), reused 0",
        "Receiving objects: 101% (1/1)", "X: 5% (1/99999999999999999999999)", "hint: use: 4 things",
        "Receiving objects: 5% (5/100/7)",
    ])
    func `other lines are no progress`(_ line: String) {
        // `warning: 5` has the form of a phase without a total, and does no harm as one.
        if line == "warning: 5" {
            #expect(GitProgress(line: line)?.percent == nil)
        } else {
            #expect(GitProgress(line: line) == nil)
        }
    }

    @Test func `sizes of every unit, and such that make no sense`() {
        for (text, bytes) in [
            ("1 bytes", 1), ("2.00 KiB", 2048), ("1.25 MiB", 1_310_720), ("2 GiB", 2_147_483_648),
            ("-1 KiB", 0), ("nan MiB", 0), ("1e300 GiB", 0), ("inf GiB", 0), ("5 XiB", 0), ("5", 0),
        ] as [(String, UInt64)] {
            #expect(GitProgress(line: "X: 1% (1/100), \(text)")?.bytes == bytes, "\(text)")
        }
    }

    @Test func `progress is separated from text, however the bytes are cut`() {
        let bytes = Array(
            "Cloning into 'x'...\nremote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2), done.\nfatal: no\nrest"
                .utf8)
        for size in [1, 3, 7, bytes.count] {
            var reader = ProgressReader()
            var progress: [GitProgress] = []
            var text: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let read = reader.read(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
                progress += read.progress
                text += read.text
            }
            text += reader.finish()
            #expect(progress.map(\.percent) == [50, 100])
            #expect(String(decoding: text, as: UTF8.self) == "Cloning into 'x'...\nfatal: no\nrest")
        }
    }

    @Test func `a line without end does not grow without end`() {
        var reader = ProgressReader()
        let piece = [UInt8](repeating: 0x78, count: 10_000)
        #expect(reader.read(piece).text.count >= 8_000)
        #expect(reader.finish().count < 4_096)
    }

    @Test func `only the newest of each phase waits, and not more phases than the limit`() async {
        let queue = ProgressQueue(limit: 2)
        for name in ["A", "A", "B", "B", "C"] {
            var progress = GitProgress(phase: name)
            progress.objects = name == "A" ? 1 : 2
            queue.add(progress)
        }
        #expect(queue.take().map(\.phase) == ["A", "B"])
        #expect(queue.take().isEmpty)
        queue.finish()
        var wakes = 0
        for await _ in queue.wakes { wakes += 1 }
        #expect(wakes == 1)
    }
}
