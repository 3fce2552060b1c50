package import Connect

/// The procedures of `envd.v1.Port`, as `proto/envd/v1/port.proto` has them.
package enum PortAPI {
    private static let service = "envd.v1.Port"

    package static let waitPort = ServerStreamProcedure<Envd_V1_WaitPortRequest, Envd_V1_WaitPortResponse>(
        service, "WaitPort")
}
