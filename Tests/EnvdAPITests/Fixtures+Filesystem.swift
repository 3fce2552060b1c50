import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What `filesystem.Filesystem` has.
    static let filesystem: [any Message] = [
        Self.entry,
        Filesystem_MoveRequest.with {
            $0.source = "/a"
            $0.destination = "/b"
        },
        Filesystem_MoveResponse.with { $0.entry = Self.entry },
        Filesystem_MakeDirRequest.with { $0.path = "/a/ä" },
        Filesystem_MakeDirResponse.with { $0.entry = Self.entry },
        Filesystem_RemoveRequest.with { $0.path = "/a" },
        Filesystem_RemoveResponse(),
        Filesystem_StatRequest.with { $0.path = "~" },
        Filesystem_StatResponse.with { $0.entry = Self.entry },
        Filesystem_ListDirRequest.with {
            $0.path = "/"
            $0.depth = 3
        },
        Filesystem_ListDirRequest.with {
            $0.path = "/a"
            $0.depth = 1
            $0.limit = 1000
            $0.continuation = Data("a/b".utf8)
        },
        Filesystem_ListDirResponse.with { $0.entries = [Self.entry, Self.entry] },
        Filesystem_ListDirResponse.with {
            $0.entries = [Self.entry]
            $0.continuation = Data("a/c".utf8)
        },
        Filesystem_WatchDirRequest.with {
            $0.path = "/a"
            $0.recursive = true
            $0.includeEntry = true
            $0.allowNetworkMounts = true
        },
        Self.event,
        Filesystem_WatchDirResponse.StartEvent(),
        Filesystem_WatchDirResponse.KeepAlive(),
        Filesystem_WatchDirResponse.with { $0.start = .init() },
        Filesystem_WatchDirResponse.with { $0.filesystem = Self.event },
        Filesystem_WatchDirResponse.with { $0.keepalive = .init() },
        Filesystem_CreateWatcherRequest.with {
            $0.path = "/a"
            $0.recursive = true
            $0.includeEntry = true
            $0.allowNetworkMounts = true
        },
        Filesystem_CreateWatcherResponse.with { $0.watcherID = "w1" },
        Filesystem_GetWatcherEventsRequest.with { $0.watcherID = "w1" },
        Filesystem_GetWatcherEventsResponse.with { $0.events = [Self.event] },
        Filesystem_RemoveWatcherRequest.with { $0.watcherID = "w1" },
        Filesystem_RemoveWatcherResponse(),
        Filesystem_WatchOverflow.with { $0.lost = 7 },
        Filesystem_FilesystemEvent.with { $0.overflow = .init() },
        Filesystem_FilesystemEvent.with {
            $0.renamedFrom = "a"
            $0.renamedTo = "b"
            $0.cursor = 128
        },
        Filesystem_WatchOptions.with {
            $0.coalesceMilliseconds = 100
            $0.include = ["*.c", "*.h"]
            $0.exclude = ["**/.git"]
            $0.snapshot = true
            $0.lingerSeconds = 60
        },
        Filesystem_WatchPosition.with {
            $0.watchID = "w1"
            $0.cursor = 7
        },
        Filesystem_WatchDirRequest.with { $0.options = .init() },
        Filesystem_WatchDirRequest.with { $0.resume.cursor = 7 },
        Filesystem_WatchDirResponse.StartEvent.with { $0.position.cursor = 7 },
        Filesystem_WatchDirResponse.with { $0.initial.name = "a" },
        Filesystem_CreateWatcherRequest.with { $0.options = .init() },
        Filesystem_CreateWatcherResponse.with { $0.initial = [.with { $0.name = "a" }] },
        Filesystem_GetWatcherEventsRequest.with { $0.cursor = 0 },
    ]

    private static let entry = Filesystem_EntryInfo.with {
        $0.name = "name"
        $0.type = .symlink
        $0.path = "/a/name"
        $0.size = -1
        $0.mode = 0o777
        $0.permissions = "rwxrwxrwx"
        $0.owner = "root"
        $0.group = "root"
        $0.modifiedTime.seconds = 1_700_000_000
        $0.modifiedTime.nanos = 120_000_000
        $0.symlinkTarget = "../target"
        $0.metadata = ["key": "value"]
    }

    private static let event = Filesystem_FilesystemEvent.with {
        $0.name = "name"
        $0.type = .chmod
        $0.entry = Self.entry
    }
}
