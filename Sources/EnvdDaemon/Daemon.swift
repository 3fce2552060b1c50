import Connect
import EnvdAPI
import FileTools
import FileTransfer
import FilesystemService
import GitService
internal import Glibc
import HTTPTransport
import LinuxIO
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ProcessService
import SandboxContext
import SandboxControl
import ServerReflection
import SystemPackage

/// The daemon: its parts, wired together, from start to shutdown.
package final class Daemon: Sendable {
    /// Why the daemon cannot start: one line for whoever started it.
    package struct StartFailure: Error {
        package var message: String
    }

    /// Threads for blocking calls, at most. More than cores, because they wait: each that starts a command does so until
    /// the command's program runs.
    private static let blockingThreads = 16
    /// The same while calls do not return, as on a network file system whose server is gone.
    private static let mostBlockingThreads = 512
    /// Time that calls under way get at shutdown.
    private static let shutdownGrace = TimeAmount.seconds(4)
    /// Time that uploads which were cut then get to take away what they have made.
    private static let cleanUpLimit = TimeAmount.milliseconds(500)

    private let server: HTTPServer
    private let transfer: FileTransfer
    private let logger: Logger

    private init(server: HTTPServer, transfer: FileTransfer, logger: Logger) {
        self.server = server
        self.transfer = transfer
        self.logger = logger
    }

    /// Runs the daemon on the calling thread until SIGTERM or SIGINT.
    ///
    /// - Returns: the exit status.
    package static func run(_ options: Options) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        // Before there are threads, so that it holds for all of them.
        SignalEvents.block([SIGCHLD, SIGTERM, SIGINT])
        Allocator.fitToLargeBuffers()
        let outcome = ExitStatus()
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { eventLoop in
            do {
                try Self.start(options, on: eventLoop) { status in outcome.end(status, eventLoop) }
            } catch {
                StandardError.write("envd: \((error as? StartFailure)?.message ?? "\(error)")\n")
                outcome.end(1, eventLoop)
            }
        }
        return outcome.status
    }

    private static func start(
        _ options: Options, on eventLoop: any EventLoop, ended: @escaping @Sendable (Int32) -> Void
    ) throws {
        let exporter = options.isNotFirecracker ? nil : Self.exporter(on: eventLoop)
        let logger = Logger(label: "envd") {
            JSONLogHandler(label: $0, level: options.isVerbose ? .info : .warning, exporter: exporter)
        }
        let address = try SocketAddress(ipAddress: options.listen, port: Int(options.port))
        let access = AccessPolicy(
            token: try Self.token(options), opensWithoutToken: !options.isNotFirecracker,
            isClosed: options.followsHandover)
        // What the daemon before has left for one that takes over.
        if options.followsHandover { unlink("/run/e2b/envd-handover.pb") }
        let listening = ListeningServer(on: eventLoop)
        let (handler, transfer, metadata) = try Self.handler(
            options, access, listening, logger, exporter, eventLoop)
        let end: @Sendable (Int32) -> Void = { status in
            metadata?.stop()
            exporter?.stop()
            ended(status)
        }
        var limits = HTTPLimits()
        limits.connections = DescriptorLimit.connections(atMost: limits.connections)
        let socket: OwnedDescriptor?
        do {
            socket = try ServiceManager.socket()
        } catch {
            throw StartFailure(message: error.message)
        }
        let server =
            if let socket = socket?.release() {
                HTTPServer.listen(on: socket, eventLoop: eventLoop, limits: limits, handler: handler)
            } else {
                HTTPServer.listen(on: address, eventLoop: eventLoop, limits: limits, handler: handler)
            }
        server.assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let server):
                    listening.server = server
                    Daemon(server: server, transfer: transfer, logger: logger)
                        .serve(on: eventLoop, ended: end)
                case .failure(let error):
                    let reason = (error as? IOError).map {
                        Errno(rawValue: $0.errnoCode).lowercasedDescription
                    }
                    StandardError.write(
                        "envd: cannot listen on \(options.listen):\(options.port): \(reason ?? "\(error)")\n")
                    end(1)
                }
            }
    }

    private static func token(_ options: Options) throws(StartFailure) -> AccessToken? {
        guard let path = options.accessTokenFile ?? Self.credentialPath else { return nil }
        do {
            guard let token = try AccessToken.read(from: path) else {
                throw StartFailure(message: "the access token file '\(path)' is empty")
            }
            return token
        } catch let failure as StartFailure {
            throw failure
        } catch let errno as Errno {
            throw StartFailure(
                message: "cannot read the access token file '\(path)': \(errno.lowercasedDescription)")
        } catch {
            throw StartFailure(message: "cannot read the access token file '\(path)'")
        }
    }

    /// Where the service manager has put a token for this service; nil if it has not.
    ///
    /// - SeeAlso: systemd.exec(5), `LoadCredential=`.
    private static var credentialPath: String? {
        guard let directory = getenv("CREDENTIALS_DIRECTORY") else { return nil }
        let path = String(cString: directory) + "/envd-access-token"
        return Glibc.access(path, F_OK) == 0 ? path : nil
    }

    /// What takes log lines to the host of a Firecracker machine.
    private static func exporter(on eventLoop: any EventLoop) -> LogExporter {
        LogExporter(on: eventLoop) { StandardError.write("envd: \($0)\n") }
    }

    /// Everything that answers requests, and what goes on besides.
    private static func handler(
        _ options: Options, _ access: AccessPolicy, _ listening: ListeningServer, _ logger: Logger,
        _ exporter: LogExporter?, _ eventLoop: any EventLoop
    ) throws -> (handler: any HTTPHandler, transfer: FileTransfer, metadata: SandboxMetadata?) {
        do {
            try SandboxMark().write(isFirecracker: !options.isNotFirecracker)
        } catch {
            logger.warning("error writing sandbox file: \(error.lowercasedDescription)")
        }
        // Orphans come here: what is left of a command's tree is seen until it has ended, and its cgroup removed then.
        do throws(Errno) {
            try becomeChildSubreaper()
        } catch {
            logger.warning("orphans do not come to the daemon: \(error.lowercasedDescription)")
        }
        let pool = BlockingPool(threads: Self.blockingThreads, growingTo: Self.mostBlockingThreads)
        let reaper = try ChildReaper(on: eventLoop, pool: pool, reapsAll: true, signals: .blocked)
        let own = geteuid() == 0 ? nil : OwnAccount.current()
        let defaults = SandboxDefaults(
            SandboxDefaults.State(
                user: options.defaultUser ?? own?.name,
                internalVariables: ["E2B_SANDBOX": options.isNotFirecracker ? "false" : "true"]))
        let callers = CallerResolver(accounts: AccountCache(pool: pool, own: own), defaults: defaults)
        let searchPath = getenv("PATH").map { String(cString: $0) } ?? ""
        let resourceLimits = DescriptorLimit.raise()
        let cgroups = Self.cgroups(options, logger)
        let pause = WorkloadPause(on: eventLoop)
        let processes = ProcessService(
            ProcessService.Configuration(
                searchPath: searchPath, resourceLimits: resourceLimits, cgroups: cgroups),
            callers: callers, defaults: defaults, reaper: reaper, pause: pause, eventLoop: eventLoop)
        let files = FileAccess(pool: pool, mode: options.fileAccess)
        let filesystem = FilesystemService(
            callers: callers, defaults: defaults, files: files, names: OwnerNames(), eventLoop: eventLoop)
        let tools = FileTools(
            callers: callers, defaults: defaults, files: files, pool: pool, eventLoop: eventLoop)
        let transfer = FileTransfer(
            callers: callers, defaults: defaults, files: files, pool: pool, signing: FileSigning(access),
            eventLoop: eventLoop, settle: filesystem.settleWatchers)
        let git = GitService(
            GitService.Configuration(
                searchPath: searchPath, resourceLimits: resourceLimits, cgroups: cgroups),
            callers: callers, defaults: defaults, reaper: reaper, pool: pool, pause: pause,
            eventLoop: eventLoop)
        var settings = ConnectSettings()
        settings.interceptors = [CallLog(logger: logger), callers]
        var procedures = ConnectRouter(executor: EventLoopTaskExecutor(eventLoop), settings: settings)
        var routes = HTTPRouter()
        transfer.register(in: &routes)
        tools.register(in: &routes)
        tools.register(in: &procedures)
        filesystem.register(in: &procedures)
        git.register(in: &procedures)
        processes.register(in: &procedures)
        let life = SandboxLife(
            cgroups: cgroups == nil ? nil : options.cgroupRoot, pause, searchPath: searchPath, reaper: reaper,
            pool: pool, connections: listening, logger, on: eventLoop)
        life.register(in: &routes, &procedures)
        let metadata = ControlRoutes(
            options: options, access: access, defaults: defaults, processes: processes, cgroups: cgroups,
            freezer: life.freezer, logger: logger, exporter: exporter, reaper: reaper,
            searchPath: searchPath, pool: pool, eventLoop: eventLoop
        ).register(in: &routes)
        if options.usesReflection {
            let reflection = try ServerReflection(of: procedures, descriptors: [EnvdAPIDescriptors.base64])
            reflection.register(in: &procedures)
        }
        let router = DaemonRouter(procedures: procedures, plain: routes, callers: callers, on: eventLoop)
        let gate = AccessGate(access, admitsOtherMachines: options.isInsecure, before: router)
        let handler = BrowserGate(
            hosts: options.allowedHosts, origins: options.allowedOrigins,
            before: CrossOriginPolicy(before: gate))
        return (handler, transfer, metadata)
    }

    /// Where commands get cgroups; nil, and a line in the log, where there is no cgroup v2 to write to.
    private static func cgroups(_ options: Options, _ logger: Logger) -> CommandCgroups? {
        guard options.usesCgroups else {
            logger.info("cgroups disabled via --no-cgroups: trees of commands are process groups")
            return nil
        }
        do {
            return try CommandCgroups(root: options.cgroupRoot) { property, directory in
                logger.info("cgroup property \"\(property)\" unavailable at \"\(directory)\", skipping")
            }
        } catch {
            logger.info(
                "no cgroup v2 at \(options.cgroupRoot) (\(error.lowercasedDescription)): trees of commands are process groups"
            )
            return nil
        }
    }

    /// Says where it listens, and ends with the first signal that asks for it.
    private func serve(on eventLoop: any EventLoop, ended: @escaping @Sendable (Int32) -> Void) {
        do {
            _ = try SignalListener([SIGTERM, SIGINT], .blocked, on: eventLoop) { _ in
                ServiceManager.stopping()
                self.server.shutDown(grace: Self.shutdownGrace)
                    .flatMap { self.transfer.whenIdle(within: Self.cleanUpLimit) }
                    .whenComplete { _ in ended(0) }
            }
        } catch {
            // It would run on when it is told to end.
            StandardError.write("envd: cannot listen for signals: \(error.lowercasedDescription)\n")
            return ended(1)
        }
        if let address = self.server.address, let host = address.ipAddress, let port = address.port {
            let status = "listening on \(host.contains(":") ? "[\(host)]" : host):\(port)"
            StandardError.write("\(status)\n")
            ServiceManager.ready(status, on: eventLoop)
        }
    }
}
