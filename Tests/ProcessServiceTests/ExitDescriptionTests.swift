import EnvdAPI
import LinuxSystem
import Testing

@testable import ProcessService

/// The table of ends in the protocol.
@Suite struct ExitDescriptionTests {
    @Test func `success has no error`() {
        let end = ExitDescription.event(.exited(0))
        #expect(end.exitCode == 0)
        #expect(end.exited)
        #expect(end.status == "exit status 0")
        #expect(!end.hasError)
    }

    @Test(arguments: [Int32(1), 2, 126, 127, 255])
    func `another code is an error too`(_ code: Int32) {
        let end = ExitDescription.event(.exited(code))
        #expect(end.exitCode == code)
        #expect(end.exited)
        #expect(end.status == "exit status \(code)")
        #expect(end.error == end.status)
    }

    @Test(arguments: [
        (Int32(1), "hangup"), (2, "interrupt"), (3, "quit"), (6, "aborted"), (9, "killed"),
        (11, "segmentation fault"), (13, "broken pipe"), (15, "terminated"), (31, "bad system call"),
        (34, "signal 34"), (64, "signal 64"),
    ])
    func `a signal has a name`(_ signal: Int32, _ name: String) {
        for coreDumped in [false, true] {
            let end = ExitDescription.event(.signaled(signal, coreDumped: coreDumped))
            #expect(end.exitCode == -1)
            #expect(!end.exited)
            #expect(end.status == "signal: \(name)" + (coreDumped ? " (core dumped)" : ""))
            #expect(end.error == end.status)
        }
    }
}
