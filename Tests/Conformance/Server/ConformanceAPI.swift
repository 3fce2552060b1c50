import Connect

/// The procedures of `ConformanceService`, as conformance.proto has them.
enum ConformanceAPI {
    private static let service = "connectrpc.conformance.v1.ConformanceService"

    static let unary = UnaryProcedure<SuiteUnaryRequest, SuiteUnaryResponse>(service, "Unary")
    static let serverStream = ServerStreamProcedure<SuiteServerStreamRequest, SuiteServerStreamResponse>(
        service, "ServerStream")
    static let clientStream = ClientStreamProcedure<SuiteClientStreamRequest, SuiteClientStreamResponse>(
        service, "ClientStream")
    static let bidiStream = BidirectionalProcedure<SuiteBidiStreamRequest, SuiteBidiStreamResponse>(
        service, "BidiStream")
    static let unimplemented = UnaryProcedure<SuiteUnimplementedRequest, SuiteUnimplementedResponse>(
        service, "Unimplemented")
    static let idempotentUnary = UnaryProcedure<SuiteIdempotentUnaryRequest, SuiteIdempotentUnaryResponse>(
        service, "IdempotentUnary", hasNoSideEffects: true)
}
