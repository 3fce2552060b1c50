import Glibc

/// The memory that a `Start` takes while its process is silent.
enum StreamBenchmark {
    private static let streams = 1000
    /// Ends by itself, should the benchmark not get to it.
    private static let command = ["/bin/sleep", "120"]

    static func run(_ options: Options, _ report: inout Report) throws {
        Self.raiseDescriptorLimit()
        let daemon = try Server.daemon(options.daemon)
        var clients: [Client] = []
        var processes: [pid_t] = []
        defer { for process in processes { kill(process, SIGKILL) } }
        var before = 0.0
        // The first makes what all of them share.
        for index in 0...Self.streams {
            let client = try Client(port: daemon.port)
            clients.append(client)
            try client.send(Request.start(Self.command, .json))
            try client.receive(until: "}}}")
            guard let processID = client.number(after: "\"pid\":") else {
                throw Failure("\(Self.command) failed")
            }
            processes.append(pid_t(processID))
            if index == 0 { before = try daemon.residentMiB() }
        }
        let grown = try daemon.residentMiB() - before
        report.add("resident per silent stream", "KiB", grown * 1024 / Double(Self.streams))
    }

    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
