internal import Glibc
import LinuxIO
import LinuxSystem
import NIOCore

/// A command that runs for the service: what it writes, how it ends, and how it is ended. Bound to the event loop.
final class GitProcess: Sendable {
    /// Why there is no output.
    enum Failure: Error {
        case canceled
        /// More on standard output than the limit.
        case outputTooLarge
    }

    private struct State {
        var readers = PerOutput<DescriptorReader>()
        /// Bytes that were in the pipes when the command ended, and are still to come.
        var leftAtExit = PerOutput<Int>()
        var output = ByteBuffer()
        var error = ByteBuffer()
        var progress: ProgressReader?
        var exit: ChildExit?
        var failure: Failure?
        var killTimer: Scheduled<Void>?
        var ended: ((Result<GitOutput, Failure>) -> Void)?
    }

    let input: DescriptorWriter?
    private let processID: Int32
    /// The child's own; nil without cgroups.
    private let cgroup: Cgroup?
    private let limits: GitLimits
    private let eventLoop: any EventLoop
    private let tellProgress: (@Sendable (GitProgress) -> Void)?
    private let state: NIOLoopBoundBox<State>

    /// Takes over a child that leads a session of its own.
    ///
    /// - Parameter progress: told of progress, which is then no part of the error output.
    init(
        _ child: consuming SpawnedProcess, cgroup: Cgroup?, limits: GitLimits, eventLoop: any EventLoop,
        progress: (@Sendable (GitProgress) -> Void)?
    ) {
        self.processID = child.processID
        self.cgroup = cgroup
        self.limits = limits
        self.eventLoop = eventLoop
        self.tellProgress = progress
        if let input = child.standardInput.take() {
            self.input = DescriptorWriter(input, on: eventLoop)
        } else {
            self.input = nil
        }
        var state = State()
        if progress != nil { state.progress = ProgressReader() }
        if let output = child.standardOutput.take() {
            state.readers[.output] = DescriptorReader(output, on: eventLoop)
        }
        if let error = child.standardError.take() {
            state.readers[.error] = DescriptorReader(error, on: eventLoop)
        }
        self.state = NIOLoopBoundBox(state, eventLoop: eventLoop)
    }

    /// Waits for the end. A task that is cancelled ends the command, and waits for that.
    func finish(_ reaper: ChildReaper) async throws(Failure) -> GitOutput {
        let result: Result<GitOutput, Failure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.state.value.ended = { continuation.resume(returning: $0) }
                for output in ProcessOutput.allCases {
                    self.state.value.readers[output]?.start { self.received($0, from: output) }
                }
                reaper.watch(self.processID) { self.exited($0.exit) }
            }
        } onCancel: {
            self.eventLoop.execute { self.end(.canceled) }
        }
        return try result.get()
    }

    /// Asks the command and all that it started to end; after the grace time they are killed.
    ///
    /// What it started may take longer than itself, and must have the time to remove its locks: it has ended when nobody
    /// holds the pipes open.
    private func end(_ failure: Failure) {
        guard self.state.value.failure == nil, self.state.value.exit == nil else { return }
        self.state.value.failure = failure
        self.signal(SIGTERM)
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: self.limits.grace) {
            self.signal(SIGKILL)
            self.state.value.killTimer = nil
            // Who is in no group of the command's, and still has the pipes, is not waited for.
            if self.state.value.exit != nil { self.closeReaders() }
        }
        self.state.value.killTimer = timer
    }

    private func signal(_ signal: Int32) {
        // There is nobody left to signal if it fails.
        if let cgroup = self.cgroup {
            try? cgroup.signal(signal)
        } else if self.state.value.exit == nil || !exists(processID: self.processID) {
            // No process gets the ID of a group that still has members.
            try? LinuxSystem.send(signal: signal, toGroup: self.processID)
        }
    }

    private func received(_ event: DescriptorReader.Event, from output: ProcessOutput) {
        switch event {
        case .bytes(let bytes):
            self.append(bytes, from: output)
            guard let left = self.state.value.leftAtExit[output] else { return }
            self.state.value.leftAtExit[output] = left - bytes.readableBytes
            self.closeDrained()
        case .end:
            self.state.value.readers[output] = nil
            self.endIfComplete()
        }
    }

    private func append(_ bytes: ByteBuffer, from output: ProcessOutput) {
        switch output {
        case .output:
            guard self.state.value.failure == nil else { return }
            guard self.state.value.output.readableBytes + bytes.readableBytes <= self.limits.outputBytes
            else {
                self.state.value.output.clear()
                self.end(.outputTooLarge)
                return
            }
            self.state.value.output.writeImmutableBuffer(bytes)
        case .error:
            guard self.state.value.progress != nil else {
                self.appendError(Array(bytes.readableBytesView))
                return
            }
            let read = self.state.value.progress?.read(Array(bytes.readableBytesView))
            self.appendError(read?.text ?? [])
            for progress in read?.progress ?? [] { self.tellProgress?(progress) }
        }
    }

    /// Keeps the newest bytes.
    private func appendError(_ bytes: [UInt8]) {
        self.state.value.error.writeBytes(bytes)
        let excess = self.state.value.error.readableBytes - self.limits.errorBytes
        guard excess > 0 else { return }
        self.state.value.error.moveReaderIndex(forwardBy: excess)
        self.state.value.error.discardReadBytes()
    }

    private func exited(_ exit: ChildExit) {
        self.state.value.exit = exit
        if self.state.value.failure != nil {
            if self.state.value.killTimer == nil { self.closeReaders() }
            self.endIfComplete()
            return
        }
        // What it has left running may hold the pipes open for good.
        for output in ProcessOutput.allCases {
            self.state.value.leftAtExit[output] = self.state.value.readers[output]?.readyBytes
        }
        self.closeDrained()
    }

    private func closeReaders() {
        for output in ProcessOutput.allCases {
            let reader = self.state.value.readers[output]
            self.state.value.readers[output] = nil
            reader?.close()
        }
        self.endIfComplete()
    }

    private func closeDrained() {
        for output in ProcessOutput.allCases {
            guard let left = self.state.value.leftAtExit[output], left <= 0 else { continue }
            self.state.value.leftAtExit[output] = nil
            let reader = self.state.value.readers[output]
            self.state.value.readers[output] = nil
            reader?.close()
        }
        self.endIfComplete()
    }

    private func endIfComplete() {
        guard let exit = self.state.value.exit, self.state.value.readers.isEmpty,
            let ended = self.state.value.ended
        else { return }
        self.state.value.ended = nil
        self.input?.close()
        if let failure = self.state.value.failure {
            self.state.value.killTimer?.cancel()
            // Who has closed the pipes, and runs on.
            self.signal(SIGKILL)
            ended(.failure(failure))
            return
        }
        let rest = self.state.value.progress?.finish() ?? []
        self.appendError(rest)
        ended(
            .success(
                GitOutput(
                    standardOutput: Array(self.state.value.output.readableBytesView),
                    standardError: Array(self.state.value.error.readableBytesView), exit: exit)))
    }
}
