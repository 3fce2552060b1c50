import Connect
import EnvdAPI
import NIOCore

/// What a client wants of a watch.
struct WatchOptions: Sendable {
    var isRecursive: Bool
    /// Entries are described.
    var includesEntries: Bool
    /// Network file systems are watched.
    var allowsNetwork: Bool
    /// The client knows what goes beyond the reference.
    var isExtended: Bool
    /// How long events wait for more of their kind.
    var coalescing: TimeAmount?
    var filter: WatchFilter?
    /// What is there already is told.
    var wantsSnapshot: Bool
    /// How long the watch goes on without its client.
    var lingering: TimeAmount?

    init(_ request: Filesystem_WatchDirRequest, _ limits: WatchLimits) throws(ConnectError) {
        try self.init(
            request.recursive, request.includeEntry, request.allowNetworkMounts,
            request.hasOptions ? request.options : nil, limits)
    }

    init(_ request: Filesystem_CreateWatcherRequest, _ limits: WatchLimits) throws(ConnectError) {
        try self.init(
            request.recursive, request.includeEntry, request.allowNetworkMounts,
            request.hasOptions ? request.options : nil, limits)
        self.lingering = nil
    }

    private init(
        _ isRecursive: Bool, _ includesEntries: Bool, _ allowsNetwork: Bool,
        _ options: Filesystem_WatchOptions?, _ limits: WatchLimits
    ) throws(ConnectError) {
        self.isRecursive = isRecursive
        self.includesEntries = includesEntries
        self.allowsNetwork = allowsNetwork
        self.isExtended = options != nil
        let options = options ?? .init()
        let window = TimeAmount.milliseconds(Int64(options.coalesceMilliseconds))
        self.coalescing = window > .zero ? min(window, limits.coalescing) : nil
        if !options.include.isEmpty || !options.exclude.isEmpty {
            self.filter = try WatchFilter(include: options.include, exclude: options.exclude)
        }
        self.wantsSnapshot = options.snapshot
        let lingering = TimeAmount.seconds(Int64(options.lingerSeconds))
        self.lingering = lingering > .zero ? min(lingering, limits.lingering) : nil
    }
}
