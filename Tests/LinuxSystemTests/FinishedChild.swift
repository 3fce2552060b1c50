import Glibc
import LinuxSystem
import SystemPackage
import Testing

/// A child that was waited for, and all it wrote.
struct FinishedChild {
    var processID: Int32
    /// What came from descriptor 1, or from the terminal.
    var output: String
    /// What came from descriptor 2.
    var errorOutput: String
    var record: ExitRecord

    /// Runs a child to its end.
    ///
    /// - Parameter input: Written to its pipe or terminal; a pipe is closed after that.
    static func run(_ request: SpawnRequest, input: String = "") throws -> FinishedChild {
        var process = try SpawnedProcess.spawn(request)
        let isTerminal = request.terminal != nil
        var output = ""
        var errorOutput = ""
        if isTerminal {
            let master = try present(process.terminal.take())
            try send(input, to: master)
            output = try readToEnd(master)
        } else {
            if !input.isEmpty {
                try send(input, to: try present(process.standardInput.take()))
            }
            _ = process.standardInput.take()
            // The tests' children write less to descriptor 2 than a pipe takes.
            output = try readToEnd(try present(process.standardOutput.take()))
            errorOutput = try readToEnd(try present(process.standardError.take()))
        }
        waitForEnd(ofChild: process.processID)
        let record = try #require(try reap(processID: process.processID))
        return FinishedChild(
            processID: process.processID, output: output, errorOutput: errorOutput, record: record)
    }

    /// Why a child does not run its program, nil if it does, which ends it.
    static func failure(of request: SpawnRequest) -> SpawnFailure? {
        do throws(SpawnFailure) {
            let process = try SpawnedProcess.spawn(request)
            kill(process.processID, SIGKILL)
            while waitpid(process.processID, nil, 0) < 0, errno == EINTR {}
            return nil
        } catch {
            return error
        }
    }

    /// Runs `script` in /bin/sh, with the other fields of `request`.
    static func run(
        script: String, _ request: SpawnRequest = SpawnRequest(command: ""), input: String = ""
    ) throws -> FinishedChild {
        var request = request
        request.command = "/bin/sh"
        request.arguments = ["-c", script] + request.arguments
        return try Self.run(request, input: input)
    }

    /// `/proc/self/status` of a child: the values by their names.
    static func status(_ request: SpawnRequest = SpawnRequest(command: "")) throws -> [String: String] {
        var request = request
        request.command = "/bin/cat"
        request.arguments = ["/proc/self/status"]
        let lines = try Self.run(request).output.split(separator: "\n")
        return Dictionary(
            lines.compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
                return (String(line[..<colon]), words.joined(separator: " "))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }
}

/// What `#require` does, for what cannot be copied.
func present(
    _ descriptor: consuming OwnedDescriptor?, sourceLocation: SourceLocation = #_sourceLocation
) throws -> OwnedDescriptor {
    guard let descriptor else {
        Issue.record("There is no such descriptor", sourceLocation: sourceLocation)
        throw Errno.badFileDescriptor
    }
    return descriptor
}

/// Waits until `descriptor` is ready.
func wait(for events: CInt, on descriptor: borrowing OwnedDescriptor) throws(Errno) {
    var entry = pollfd(fd: descriptor.rawValue, events: Int16(events), revents: 0)
    while poll(&entry, 1, -1) < 0 {
        let error = Errno(rawValue: errno)
        guard error == .interrupted else { throw error }
    }
}

/// Everything up to the end of the file; the end of a terminal is an EIO.
func readToEnd(_ descriptor: consuming OwnedDescriptor) throws -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        do {
            try wait(for: POLLIN, on: descriptor)
            let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        } catch Errno.wouldBlock {
            continue
        } catch Errno.ioError {
            break
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Writes all of `text`.
func send(_ text: String, to descriptor: borrowing OwnedDescriptor) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        try wait(for: POLLOUT, on: descriptor)
        rest = rest.dropFirst(try rest.withUnsafeBytes { try descriptor.write($0) })
    }
}

/// Waits for a child and reaps it.
func waitForEnd(of process: consuming SpawnedProcess) throws -> ExitRecord {
    waitForEnd(ofChild: process.processID)
    return try #require(try reap(processID: process.processID))
}

/// Waits for a child, and does not reap it.
func waitForEnd(ofChild processID: Int32) {
    var information = siginfo_t()
    while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
}
