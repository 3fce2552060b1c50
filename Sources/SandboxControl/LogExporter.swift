import HTTPTransport
package import NIOCore
import NIOHTTP1
import SandboxContext

/// Sends the daemon's log lines to the host, one request for each.
///
/// Lines wait until it is known where to; what cannot be sent is lost.
package final class LogExporter: Sendable {
    /// Bytes of a line that is sent at most.
    static let lineLimit = 196_608
    /// Bytes of lines that wait at most; the oldest go first.
    static let queueLimit = 8 << 20
    /// Between two complaints.
    private static let complaintPeriod = TimeAmount.seconds(60)

    private struct State {
        var queue = CircularBuffer<String>()
        var queuedBytes = 0
        var target: Target?
        var isSending = false
        var lastComplaint: NIODeadline?
        var suppressed = 0
    }

    private struct Target {
        var url: HTTPAddress
        var metadata: MachineMetadata
    }

    private let eventLoop: any EventLoop
    private let executor: EventLoopTaskExecutor
    private let complain: @Sendable (String) -> Void
    private let state: NIOLoopBoundBox<State>

    /// - Parameter complain: takes a line for whoever started the daemon: the log would come back here.
    package init(on eventLoop: any EventLoop, complain: @escaping @Sendable (String) -> Void) {
        self.eventLoop = eventLoop
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.complain = complain
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Takes a line: a JSON object. Called on any thread.
    package func append(_ line: String) {
        if self.eventLoop.inEventLoop {
            self.enqueue(line)
        } else {
            self.eventLoop.execute { self.enqueue(line) }
        }
    }

    private func enqueue(_ line: String) {
        guard line.utf8.count <= Self.lineLimit else {
            self.report("a log line of \(line.utf8.count) bytes is too long to be sent")
            return
        }
        self.state.value.queue.append(line)
        self.state.value.queuedBytes += line.utf8.count
        while self.state.value.queuedBytes > Self.queueLimit, let oldest = self.state.value.queue.popFirst() {
            self.state.value.queuedBytes -= oldest.utf8.count
        }
        self.sendNext()
    }

    /// Sends lines from now on to where `metadata` says, and says in each where it comes from.
    func send(to metadata: MachineMetadata) {
        guard let url = HTTPAddress(metadata.logAddress) else {
            self.report("log lines cannot be sent to '\(metadata.logAddress)'")
            return
        }
        self.state.value.target = Target(url: url, metadata: metadata)
        self.sendNext()
    }

    /// Sends nothing more. What waits is lost.
    package func stop() {
        self.state.value.target = nil
        self.state.value.queue.removeAll()
        self.state.value.queuedBytes = 0
    }

    private func sendNext() {
        guard !self.state.value.isSending, self.state.value.target != nil, !self.state.value.queue.isEmpty
        else {
            return
        }
        self.state.value.isSending = true
        _ = self.executor.startTask {
            // A turn of its own: who logs does not wait.
            await Task.yield()
            while let target = self.state.value.target, let line = self.state.value.queue.popFirst() {
                self.state.value.queuedBytes -= line.utf8.count
                await self.send(line, to: target)
            }
            self.state.value.isSending = false
        }
    }

    private func send(_ line: String, to target: Target) async {
        guard let body = Self.labelled(line, target.metadata) else { return }
        let request = HTTPRequest(
            method: .POST, url: target.url, headers: ["Content-Type": "application/json"],
            body: ByteBuffer(string: body))
        do {
            let response = try await request.send(on: self.eventLoop)
            if !(200..<300).contains(response.status.code) {
                self.report("sending a log line was answered with status \(response.status.code)")
            }
        } catch {
            self.report("cannot send a log line: \(error)")
        }
    }

    /// A line with the names of the sandbox and its template in it, its members in the order of their names.
    static func labelled(_ line: String, _ metadata: MachineMetadata) -> String? {
        var line = line
        guard let json = line.withUTF8({ try? JSONValue(UnsafeRawBufferPointer($0)) }),
            let members = json.members
        else { return nil }
        var named: [String: JSONValue] = [:]
        for member in members { named[member.name] = member.value }
        named["instanceID"] = .string(metadata.instanceID)
        named["envID"] = .string(metadata.templateID)
        return JSONValue.object(named.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) })
            .text
    }

    private func report(_ problem: String) {
        let now = NIODeadline.now()
        if let last = self.state.value.lastComplaint, now - last < Self.complaintPeriod {
            self.state.value.suppressed += 1
            return
        }
        let suppressed = self.state.value.suppressed
        self.state.value.lastComplaint = now
        self.state.value.suppressed = 0
        self.complain(problem + (suppressed > 0 ? " (and \(suppressed) more problems)" : ""))
    }
}
