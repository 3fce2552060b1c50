import LinuxSystem
import Testing

@Suite struct LockedMemoryTests {
    @Test(arguments: [0, 1, 4096, 10_000])
    func `it has the bytes that it was made from`(_ count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let memory = try bytes.withUnsafeBytes { try LockedMemory(copying: $0) }
        #expect(memory.count == count)
        #expect(memory.withBytes { Array($0) } == bytes)
    }

    @Test func `what is wiped is zero`() {
        var bytes = [UInt8](repeating: 1, count: 100)
        bytes.withUnsafeMutableBytes { wipe($0) }
        #expect(bytes == [UInt8](repeating: 0, count: 100))
    }
}
