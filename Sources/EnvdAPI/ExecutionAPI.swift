package import Connect

/// The procedures of `envd.v1.Execution`, as `proto/envd/v1/execution.proto` has them.
package enum ExecutionAPI {
    private static let service = "envd.v1.Execution"

    package static let wait = UnaryProcedure<Envd_V1_WaitRequest, Envd_V1_WaitResponse>(service, "Wait")
    package static let freeze = UnaryProcedure<Envd_V1_FreezeRequest, Envd_V1_FreezeResponse>(
        service, "Freeze")
    package static let thaw = UnaryProcedure<Envd_V1_ThawRequest, Envd_V1_ThawResponse>(service, "Thaw")
}
