import Connect
import EnvdAPI
import LinuxSystem
import NIOCore
import SwiftProtobuf
import SystemPackage

extension ProcessService {
    /// `envd.v1.Execution/Wait`: answers when a process has ended, with how.
    ///
    /// A call that ends before leaves the process alone.
    ///
    /// - Throws: `ConnectError` with `notFound` if there is no such process and none is remembered.
    @Sendable func wait(_ request: Envd_V1_WaitRequest, _: RPCContext) async throws -> Envd_V1_WaitResponse {
        let selection = try ProcessSelection(request.process)
        guard let process = self.table.value.find(selection) else { throw selection.notFound }
        await process.ended()
        guard let end = process.end(withReport: true) else { throw CancellationError() }
        return .with {
            $0.pid = UInt32(bitPattern: process.processID)
            $0.end = end
        }
    }

    /// `envd.v1.Execution/Freeze`: stops a process and all that it started.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `failedPrecondition` without cgroups.
    @Sendable func freeze(
        _ request: Envd_V1_FreezeRequest, _: RPCContext
    ) async throws -> Envd_V1_FreezeResponse {
        try self.setFrozen(true, request.process)
        return Envd_V1_FreezeResponse()
    }

    /// `envd.v1.Execution/Thaw`: continues what Freeze stopped.
    ///
    /// - Throws: `ConnectError`: `notFound` if there is no such process, `failedPrecondition` without cgroups.
    @Sendable func thaw(_ request: Envd_V1_ThawRequest, _: RPCContext) async throws -> Envd_V1_ThawResponse {
        try self.setFrozen(false, request.process)
        return Envd_V1_ThawResponse()
    }

    private func setFrozen(_ isFrozen: Bool, _ selector: Process_ProcessSelector) throws(ConnectError) {
        let process = try self.process(selector)
        do {
            try process.setFrozen(isFrozen)
        } catch {
            throw ConnectError(
                .failedPrecondition,
                "cannot freeze or thaw process \(process.processID): "
                    + (error == .notSupported ? "it has no cgroup" : error.lowercasedDescription),
                cause: error)
        }
    }
}
