import CBaseline
import Glibc

/// A server in C, in a process of its own, ended with the value.
final class BaselineServer {
    let port: UInt16
    private let processID: pid_t

    private init(_ serve: (_ listener: CInt) -> pid_t) throws {
        let listener = try LoopbackSocket.listening()
        self.port = try listener.port()
        self.processID = serve(listener.descriptor)
        guard self.processID > 0 else { throw Failure("fork", errno: -self.processID) }
    }

    deinit {
        kill(self.processID, SIGKILL)
        cbaseline_wait(self.processID)
    }

    /// Sends back what it receives, over one connection at a time.
    static func echo() throws -> BaselineServer {
        try BaselineServer { cbaseline_serve_echo($0) }
    }

    /// Writes what it receives to the file `path`; see `cbaseline_serve_upload`.
    static func upload(to path: String) throws -> BaselineServer {
        try BaselineServer { cbaseline_serve_upload($0, path) }
    }

    /// Sends the file `path` for each byte that it receives.
    static func file(_ path: String) throws -> BaselineServer {
        try BaselineServer { cbaseline_serve_file($0, path) }
    }

    /// Runs `command` for each byte that it receives, and sends what that writes.
    ///
    /// - Parameter pipeBytes: the size of the pipe between them; 0 is the kernel's default.
    static func relay(_ command: [String], pipeBytes: Int32 = 0) throws -> BaselineServer {
        let arguments = Arguments(command)
        return try BaselineServer { cbaseline_serve_relay($0, arguments.pointer, pipeBytes) }
    }
}
