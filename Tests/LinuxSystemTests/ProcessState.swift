import Glibc

/// What this whole process has; meaningful only in exit tests.
enum ProcessState {
    /// Open descriptors of the kinds that spawning makes: pipes, terminals, the null device.
    ///
    /// The test library's threads open and close event descriptors at any time.
    static func descriptorCount() -> Int {
        let kinds = ["pipe:", "/dev/ptmx", "/dev/pts/", "/dev/null"]
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        return (0..<1_024).count { descriptor in
            let length = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
            let name = String(
                decoding: target.prefix(max(length, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
            return kinds.contains { name.hasPrefix($0) }
        }
    }

    /// Memory mappings.
    static func mappingCount() -> Int {
        guard let maps = fopen("/proc/self/maps", "r") else { return -1 }
        defer { fclose(maps) }
        var count = 0
        while case let character = getc(maps), character != EOF {
            count += character == CInt(UInt8(ascii: "\n")) ? 1 : 0
        }
        return count
    }

    /// Whether there is any child, running or a zombie.
    static func hasChildren() -> Bool {
        !(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
    }
}

/// Runs `body` in `count` threads at once, which are all new, and waits for them.
func inThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) {
    let threads = (0..<count).map { _ in startThread(body) }
    for thread in threads { pthread_join(thread, nil) }
}

/// Runs `body` in a new thread, which has to be joined.
func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(body)).toOpaque()
    let error = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
            return nil
        }, start)
    precondition(error == 0)
    return thread
}
