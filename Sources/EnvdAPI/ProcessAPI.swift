package import Connect

/// The procedures of `process.Process`, as `proto/process/process.proto` has them.
package enum ProcessAPI {
    private static let service = "process.Process"

    package static let list = UnaryProcedure<Process_ListRequest, Process_ListResponse>(
        service, "List", hasNoSideEffects: true)
    package static let connect = ServerStreamProcedure<Process_ConnectRequest, Process_ConnectResponse>(
        service, "Connect")
    package static let start = ServerStreamProcedure<Process_StartRequest, Process_StartResponse>(
        service, "Start")
    package static let update = UnaryProcedure<Process_UpdateRequest, Process_UpdateResponse>(
        service, "Update")
    package static let streamInput = ClientStreamProcedure<
        Process_StreamInputRequest, Process_StreamInputResponse
    >(service, "StreamInput")
    package static let sendInput = UnaryProcedure<Process_SendInputRequest, Process_SendInputResponse>(
        service, "SendInput")
    package static let sendSignal = UnaryProcedure<Process_SendSignalRequest, Process_SendSignalResponse>(
        service, "SendSignal")
    package static let closeStdin = UnaryProcedure<Process_CloseStdinRequest, Process_CloseStdinResponse>(
        service, "CloseStdin")
}
