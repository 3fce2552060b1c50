import CBaseline
import Glibc

/// A program that listens on a free port of 127.0.0.1 and says so, ended with the value.
final class Server {
    let processID: pid_t
    let port: UInt16
    /// When its start began, as ``Samples/now()``.
    let startTime: Double

    /// Starts the program of `command`, and returns when it says where it listens.
    init(_ command: [String]) throws {
        var ends: (read: CInt, write: CInt) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &ends) {
            pipe($0.assumingMemoryBound(to: CInt.self).baseAddress)
        }
        guard result == 0 else { throw Failure("pipe", errno: errno) }
        for end in [ends.read, ends.write] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends.read) }
        let program = command[0]
        let arguments = Arguments(command)
        self.startTime = Samples.now()
        self.processID = cbaseline_start(arguments.pointer, -1, ends.write)
        close(ends.write)
        guard self.processID > 0 else { throw Failure(program, errno: -self.processID) }
        self.port = try Self.port(from: ends.read, of: program)
    }

    /// Starts the daemon `program`.
    static func daemon(_ program: String) throws -> Server {
        try Server([program, "--isnotfc", "--listen", "127.0.0.1", "--port", "0"])
    }

    deinit {
        kill(self.processID, SIGKILL)
        cbaseline_wait(self.processID)
    }

    /// What stands behind `listening on 127.0.0.1:`.
    private static func port(from descriptor: CInt, of program: String) throws -> UInt16 {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 1024)
        while !text.contains("\n") {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw Failure("\(program) does not run: \(text)") }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        guard let port = text.split(separator: "\n").first?.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw Failure("\(program) does not say where it listens: \(text)") }
        return port
    }

    // MARK: What the kernel knows of it

    /// Memory in use (`VmRSS`).
    func residentMiB() throws -> Double {
        try Self.number("VmRSS", in: "/proc/\(self.processID)/status") / 1024
    }

    /// Most memory that was in use (`VmHWM`).
    func mostResidentMiB() throws -> Double {
        try Self.number("VmHWM", in: "/proc/\(self.processID)/status") / 1024
    }

    /// Microseconds of processors that it has used.
    func processorTime() throws -> Double {
        var clock = clockid_t()
        let error = clock_getcpuclockid(self.processID, &clock)
        guard error == 0 else { throw Failure("clock_getcpuclockid", errno: error) }
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { throw Failure("clock_gettime", errno: errno) }
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }

    func threads() throws -> Double { try Self.number("Threads", in: "/proc/\(self.processID)/status") }

    /// How often its threads have been switched to, in all.
    func contextSwitches() throws -> Double {
        let path = "/proc/\(self.processID)/task"
        guard let directory = opendir(path) else { throw Failure(path, errno: errno) }
        defer { closedir(directory) }
        var sum = 0.0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard UInt32(name) != nil else { continue }
            for field in ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"] {
                sum += try Self.number(field, in: "\(path)/\(name)/status")
            }
        }
        return sum
    }

    /// The number of a line `name: number`.
    private static func number(_ name: String, in path: String) throws -> Double {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path, errno: errno) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = max(0, read(descriptor, &buffer, buffer.count))
        for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") {
            guard line.hasPrefix("\(name):") else { continue }
            let words = line.dropFirst(name.count + 1).split { $0 == " " || $0 == "\t" }
            if let number = words.first.flatMap({ Double($0) }) { return number }
        }
        throw Failure("\(path) has no \(name)")
    }
}
