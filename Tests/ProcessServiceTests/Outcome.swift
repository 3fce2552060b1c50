import EnvdAPI
import NIOCore

/// What came of a process, in one piece.
struct Outcome {
    var pid: UInt32 = 0
    var stdout = ByteBuffer()
    var stderr = ByteBuffer()
    var pty = ByteBuffer()
    var keepalives = 0
    var end: Process_ProcessEvent.EndEvent?
    /// How the stream ended, if not in success.
    var failure: CallFailure?

    var out: String { String(buffer: self.stdout) }
    var err: String { String(buffer: self.stderr) }
}
