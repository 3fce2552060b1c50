import LinuxIO
import LinuxSystem
import SystemPackage
import Testing

@Suite struct HandoffTests {
    @Test func `what is handed off is taken once`() throws {
        var pipe = try TestPipe()
        let handoff = Handoff(try pipe.takeWriteEnd())
        let reader = try pipe.takeReadEnd()
        do {
            guard let writer = handoff.take() else { throw Errno.badFileDescriptor }
            #expect(try writer.write([1]) == 1)
        }
        let isTaken = handoff.take() == nil
        #expect(isTaken)
        try reader.waitForOtherEnd()
        #expect(try reader.read(10) == [1])
        #expect(try reader.read(10).isEmpty)
    }

    @Test func `what nobody takes ends with the handoff`() throws {
        var pipe = try TestPipe()
        let reader = try pipe.takeReadEnd()
        do {
            _ = Handoff(try pipe.takeWriteEnd())
        }
        try reader.waitForOtherEnd()
        #expect(try reader.read(10).isEmpty)
    }
}
