import LinuxSystem
import SystemPackage
import Testing

@Suite struct HugePageCollapseTests {
    @Test func `only private memory without a name is touched`() {
        let maps = """
            55d0a0000000-55d0a0001000 r--p 00000000 fe:00 12 /usr/bin/envd
            55d0a0001000-55d0a0200000 rw-p 00000000 00:00 0 [heap]
            7f0000000000-7f0000600000 rw-p 00000000 00:00 0 
            7f0000600000-7f0000700000 ---p 00000000 00:00 0 
            7f0000700000-7f0000800000 r--p 00000000 00:00 0 
            7f0000800000-7f0000900000 rw-s 00000000 00:01 9 /memfd:x (deleted)
            7f0000900000-7f0000900000 rw-p 00000000 00:00 0 
            nonsense
            """
        #expect(HugePageCollapse.regions(in: maps) == [0x7f00_0000_0000..<0x7f00_0060_0000])
        #expect(HugePageCollapse.regions(in: "") == [])
    }

    @Test(arguments: [
        (0..<0x20_0000, 1), (0..<0x1f_ffff, 0), (0x1000..<0x20_0000, 0), (0x1000..<0x40_0000, 1),
        (0x1000..<0x100_1000, 7), (0..<0x100_0000, 8), (UInt.max - 0x1000..<UInt.max, 0),
        (UInt.max - 0x30_0000..<UInt.max, 0),
    ])
    func `whole huge pages in a mapping`(_ region: Range<UInt>, _ count: Int) {
        let windows = HugePageCollapse.windows(in: region)
        #expect(windows.count == count)
        for window in windows {
            #expect(window.lowerBound.isMultiple(of: 0x20_0000))
            #expect(window.count == 0x20_0000)
            #expect(region.contains(window.lowerBound) && window.upperBound <= region.upperBound)
        }
    }

    @Test(
        arguments: [
            (8, 0, 0, 0, 8), (8, 0, 16 << 20, 8, 0), (8, 0, 32 << 20, 8, 0), (8, 3, 4 << 20, 2, 3),
            (8, 8, 4 << 20, 0, 0), (8, 0, -1, 8, 0), (8, 2, nil, 6, 0),
        ] as [(Int, Int, Int?, Int, Int)])
    func `what was done is told from what was so before`(
        _ chunks: Int, _ skipped: Int, _ growth: Int?, _ collapsed: Int, _ alreadyHuge: Int
    ) {
        var outcome = HugePageCollapse.Outcome()
        outcome.chunks = chunks
        outcome.skipped = skipped
        outcome.split(growth: growth)
        #expect(outcome.collapsed == collapsed)
        #expect(outcome.alreadyHuge == alreadyHuge)
    }

    @Test func `every window of this process is accounted for`() throws {
        let outcome = try HugePageCollapse.run { false }
        #expect(outcome.regions > 0)
        #expect(outcome.chunks == outcome.skipped + outcome.collapsed + outcome.alreadyHuge)
    }

    @Test func `who does not want it any more gets an error`() {
        #expect(throws: Errno.canceled) { try HugePageCollapse.run { true } }
    }
}
