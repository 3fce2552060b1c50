import Connect
import EnvdAPI
import LinuxIO
import NIOCore

extension ManagedProcess {
    /// What a reader finds.
    enum Next {
        case chunk(OutputLog.Chunk)
        case waiting
        case ended
        /// The reader was too slow: what it has not read yet is gone, up to the offset.
        case lost(upTo: Int64)
    }

    /// Where a reader begins.
    enum Beginning: Sendable {
        /// With what comes from now on.
        case now
        case offset(Int64)
        /// With the newest bytes that are kept, at most so many.
        case last(Int64)
        /// With the first byte that is kept.
        case kept
    }

    func received(_ event: DescriptorReader.Event, from stream: OutputLog.Stream) {
        switch event {
        case .bytes(let bytes):
            self.append(bytes, from: stream)
        case .end:
            self.state.value.outputs[stream] = nil
            self.endIfComplete()
        }
    }

    private func append(_ bytes: ByteBuffer, from stream: OutputLog.Stream) {
        let length = bytes.readableBytes
        let wasAt = self.state.value.log.end
        self.state.value.bytes[stream] = (self.state.value.bytes[stream] ?? 0) + Int64(length)
        self.changeLog { $0.append(bytes, from: stream) }
        if !self.state.value.readers.isEmpty {
            self.state.value.readers.refresh(at: wasAt)
            for wake in self.state.value.readers.wakes { wake() }
        }
        self.holdBackIfNeeded()
        if let left = self.state.value.outputs[stream]?.leftAtExit {
            self.state.value.outputs[stream]?.leftAtExit = left - length
            self.closeDrainedOutputs()
        }
    }

    /// Changes the log, and tells the budget of it.
    private func changeLog(_ change: (inout OutputLog) -> Void) {
        let (countBefore, startBefore) = (self.state.value.log.count, self.state.value.log.start)
        change(&self.state.value.log)
        let (count, start) = (self.state.value.log.count, self.state.value.log.start)
        let unreadFrom = max(startBefore, self.state.value.readUpTo)
        if start > unreadFrom { self.state.value.droppedUnread += start - unreadFrom }
        if count != countBefore { self.budget.value.changed(by: count - countBefore) }
    }

    // MARK: Readers

    /// Adds a reader. `wake` is called when there is something for it.
    ///
    /// - Returns: the reader's number, the offset that it asked for and the one at which it really begins.
    /// - Throws: `ConnectError`: `outOfRange` for an offset that has not been written yet, `resourceExhausted` if
    ///   there are too many readers.
    func addReader(
        _ beginning: Beginning, _ wake: @escaping @Sendable () -> Void
    ) throws(ConnectError) -> (id: Int, asked: Int64, begins: Int64) {
        guard self.state.value.readers.count < self.limits.readersPerProcess else {
            throw ConnectError(
                .resourceExhausted,
                "process \(self.processID) has \(self.limits.readersPerProcess) readers, which is the limit")
        }
        let log = self.state.value.log
        let asked =
            switch beginning {
            case .now: log.end
            case .offset(let offset): offset
            case .last(let count): max(log.start, log.end - max(0, count))
            case .kept: log.start
            }
        guard (0...log.end).contains(asked) else {
            throw ConnectError(
                .outOfRange, "offset \(asked) is behind the end of the output, which is at \(log.end)")
        }
        let begins = max(asked, log.start)
        return (self.state.value.readers.add(at: begins, wake), asked, begins)
    }

    func removeReader(_ id: Int) {
        self.state.value.readers.remove(id)
        self.trim()
        self.goOnIfPossible()
    }

    /// What the reader `id` gets next; it has taken what it got before.
    func next(for id: Int) -> Next {
        guard let offset = self.state.value.readers[id]?.offset else { return .waiting }
        guard let chunk = self.state.value.log.chunk(from: offset, limit: self.limits.eventBytes) else {
            return self.state.value.end == nil ? .waiting : .ended
        }
        guard chunk.offset == offset else { return .lost(upTo: chunk.offset) }
        self.state.value.readers.advance(id, to: chunk.end)
        self.state.value.readUpTo = max(self.state.value.readUpTo, chunk.end)
        self.trim()
        self.goOnIfPossible()
        return .chunk(chunk)
    }

    // MARK: What is kept

    /// Bytes that are kept though no reader is waited for.
    var keptBytes: Int {
        let log = self.state.value.log
        let needed = self.state.value.readers.slowest.map { Int(log.end - $0) } ?? 0
        return max(0, log.count - needed)
    }

    /// Drops what need not be kept.
    private func trim() {
        self.trim(keeping: self.state.value.isForgotten ? 0 : self.retention.outputBytes)
    }

    /// Drops what is kept, and what its readers have not read yet as soon as they have.
    func forget() {
        self.state.value.isForgotten = true
        self.trim()
    }

    /// Drops all but the newest `bytes`, and what readers are waited for to read.
    func trim(keeping bytes: Int) {
        let end = self.state.value.log.end
        let waitedFor = self.state.value.readers.slowest ?? end
        let keptFrom = min(waitedFor, end - Int64(bytes))
        guard self.state.value.log.canDrop(before: keptFrom) else { return }
        self.changeLog { $0.drop(before: keptFrom) }
    }

    // MARK: Holding back

    private var isWindowFull: Bool {
        guard self.state.value.exit == nil || !self.state.value.endsWithLeader,
            let slowest = self.state.value.readers.slowest
        else { return false }
        return self.state.value.log.end - slowest > Int64(self.limits.windowBytes)
    }

    private func holdBackIfNeeded() {
        self.trim()
        guard !self.state.value.isPaused, self.isWindowFull else { return }
        self.state.value.isPaused = true
        for (_, output) in self.state.value.outputs.all { output.reader.pause() }
        self.watchForStall()
    }

    func goOnIfPossible() {
        guard self.state.value.isPaused, !self.isWindowFull else { return }
        self.state.value.isPaused = false
        self.state.value.stallTimer?.cancel()
        self.state.value.stallTimer = nil
        for (_, output) in self.state.value.outputs.all { output.reader.resume() }
    }

    /// While the process is held back, looks whether the slowest reader takes anything at all.
    private func watchForStall() {
        let stallTime = self.limits.stallTime
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: stallTime) {
            self.state.value.stallTimer = nil
            let end = self.state.value.log.end
            if self.state.value.readers.someoneWaits(at: end) {
                self.state.value.readers.stall(behind: end, idleSince: .now() - stallTime)
            }
            self.trim()
            self.goOnIfPossible()
            if self.state.value.isPaused { self.watchForStall() }
        }
        self.state.value.stallTimer = timer
    }
}
