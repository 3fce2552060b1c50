import Testing

@testable import FileTransfer

@Suite struct ByteRangesTests {
    @Test(arguments: [
        (nil, ByteRanges.whole), ("", .whole), ("bytes=0-4", .parts([0..<5])), ("bytes=2-", .parts([2..<10])),
        ("bytes=-3", .parts([7..<10])), ("bytes=-30", .parts([0..<10])), ("bytes=5-500", .parts([5..<10])),
        ("bytes=0-1, 4-5", .parts([0..<2, 4..<6])), ("bytes= 0 - 1 ,, 9-9", .parts([0..<2, 9..<10])),
        ("bytes=0-9,0-9", .whole), ("bytes=10-", .unsatisfiable), ("bytes=10-11,0-0", .parts([0..<1])),
        ("bytes=-0", .unsatisfiable), ("items=0-1", .malformed), ("bytes=x-1", .malformed),
        ("bytes=4-2", .malformed), ("bytes=-", .malformed), ("bytes=--1", .malformed),
        ("bytes=1", .malformed),
        ("bytes=0-99999999999999999999", .malformed), ("bytes=", .whole),
    ])
    func `of ten bytes`(header: String?, ranges: ByteRanges) {
        #expect(ByteRanges(header, size: 10) == ranges)
    }

    @Test func `of an empty file is ignored`() {
        #expect(ByteRanges("bytes=0-4", size: 0) == .whole)
        #expect(ByteRanges("bytes=-4", size: 0) == .whole)
    }

    @Test func `with too many parts is ignored`() {
        let header = "bytes=" + (0..<ByteRanges.limit).map { "\($0)-\($0)" }.joined(separator: ",")
        #expect(ByteRanges(header, size: 1000) == .parts((0..<ByteRanges.limit).map { $0..<$0 + 1 }))
        #expect(ByteRanges(header + ",999-999", size: 1000) == .whole)
    }
}
