internal import Glibc
package import LinuxIO
import LinuxSystem
package import NIOCore
import SystemPackage

/// Programs of the image that want to know of a pause.
///
/// They are the executable files in `pre-pause` and `post-resume` below a directory, in the order of their names, or
/// one file of that name. They run as the daemon does, so that only files are run that belong to root or the daemon's
/// own account and that nobody else may write.
package struct PauseHooks: Sendable {
    /// When hooks run.
    enum Moment: String, Sendable {
        case prePause = "pre-pause"
        case postResume = "post-resume"
    }

    private let directory: String
    private let reaper: ChildReaper
    private let pool: BlockingPool
    private let searchPath: String
    private let eventLoop: any EventLoop

    /// - Parameter searchPath: The `PATH` that hooks get.
    package init(
        in directory: String = "/etc/envd/hooks.d", searchPath: String, reaper: ChildReaper,
        pool: BlockingPool, on eventLoop: any EventLoop
    ) {
        self.pool = pool
        self.directory = directory
        self.searchPath = searchPath
        self.reaper = reaper
        self.eventLoop = eventLoop
    }

    /// The programs for a moment, at most `limit`.
    func programs(_ moment: Moment, limit: Int) async -> [String] {
        let path = "\(self.directory)/\(moment.rawValue)"
        return await self.pool.run { Self.programs(at: path, limit: limit) }
    }

    private static func programs(at path: String, limit: Int) -> [String] {
        guard let names = try? DirectoryNames.read(path) else { return self.mayRun(path) ? [path] : [] }
        return Array(names.sorted().map { "\(path)/\($0)" }.filter(self.mayRun).prefix(limit))
    }

    private static func mayRun(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        let isTrusted = status.st_uid == 0 || status.st_uid == geteuid()
        return isTrusted && status.st_mode & 0o022 == 0 && status.st_mode & 0o100 != 0
    }

    /// Runs programs one after the other; what still runs at `deadline` is killed, and the rest not run.
    ///
    /// - Parameter environment: variables besides `PATH`.
    /// - Returns: what went wrong, a line each.
    func run(_ programs: [String], environment: [String], until deadline: NIODeadline) async -> [String] {
        var problems: [String] = []
        for program in programs {
            guard NIODeadline.now() < deadline else {
                problems.append("hook \(program) was not run: no time was left")
                continue
            }
            if let problem = await self.run(program, environment, until: deadline) {
                problems.append(problem)
            }
        }
        return problems
    }

    private func run(_ program: String, _ environment: [String], until deadline: NIODeadline) async -> String?
    {
        let request = SpawnRequest(
            command: program, environment: ["PATH=\(self.searchPath)"] + environment, workingDirectory: "/",
            processGroup: .session)
        let started: StartedChild
        do {
            started = try await self.reaper.spawn(request)
        } catch {
            return "hook \(program) cannot be started: \(error.errno.lowercasedDescription)"
        }
        guard var child = started.take() else { return "hook \(program) was lost" }
        let processID = child.processID
        let eventLoop = self.eventLoop
        // What they write is read and dropped, so that they do not wait for it.
        var outputs: [DescriptorReader] = []
        if let output = child.standardOutput.take() {
            outputs.append(DescriptorReader(output, on: eventLoop))
        }
        if let output = child.standardError.take() { outputs.append(DescriptorReader(output, on: eventLoop)) }
        for output in outputs { output.start { _ in } }
        let timer = eventLoop.scheduleTask(deadline: deadline) { _ = kill(-processID, SIGKILL) }
        let record = await withCheckedContinuation { (continuation: CheckedContinuation<ExitRecord, Never>) in
            self.reaper.watch(processID) { continuation.resume(returning: $0) }
        }
        timer.cancel()
        for output in outputs { output.close() }
        switch record.exit {
        case .exited(0): return nil
        case .exited(let code): return "hook \(program) ended with code \(code)"
        case .signaled(let signal, _): return "hook \(program) was ended by signal \(signal)"
        }
    }
}
