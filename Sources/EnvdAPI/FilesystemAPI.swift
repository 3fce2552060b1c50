package import Connect

/// The procedures of `filesystem.Filesystem`, as `proto/filesystem/filesystem.proto` has them.
package enum FilesystemAPI {
    private static let service = "filesystem.Filesystem"

    package static let stat = UnaryProcedure<Filesystem_StatRequest, Filesystem_StatResponse>(
        service, "Stat", hasNoSideEffects: true)
    package static let makeDir = UnaryProcedure<Filesystem_MakeDirRequest, Filesystem_MakeDirResponse>(
        service, "MakeDir")
    package static let move = UnaryProcedure<Filesystem_MoveRequest, Filesystem_MoveResponse>(
        service, "Move")
    package static let listDir = UnaryProcedure<Filesystem_ListDirRequest, Filesystem_ListDirResponse>(
        service, "ListDir", hasNoSideEffects: true)
    package static let remove = UnaryProcedure<Filesystem_RemoveRequest, Filesystem_RemoveResponse>(
        service, "Remove")
    package static let watchDir = ServerStreamProcedure<
        Filesystem_WatchDirRequest, Filesystem_WatchDirResponse
    >(service, "WatchDir")
    package static let createWatcher = UnaryProcedure<
        Filesystem_CreateWatcherRequest, Filesystem_CreateWatcherResponse
    >(service, "CreateWatcher")
    package static let getWatcherEvents = UnaryProcedure<
        Filesystem_GetWatcherEventsRequest, Filesystem_GetWatcherEventsResponse
    >(service, "GetWatcherEvents")
    package static let removeWatcher = UnaryProcedure<
        Filesystem_RemoveWatcherRequest, Filesystem_RemoveWatcherResponse
    >(service, "RemoveWatcher")
}
