import Connect
import NIOHTTP1
import SwiftProtobuf

/// `connectrpc.conformance.v1.ConformanceService`: gives the responses that its requests order.
struct ConformanceService: Sendable {
    typealias RequestInfo = SuiteConformancePayload.RequestInfo

    func register(in router: inout ConnectRouter) {
        SuiteMessages.registerForAny()
        router.register(ConformanceAPI.unary, self.unary)
        router.register(ConformanceAPI.idempotentUnary, self.idempotentUnary)
        router.register(ConformanceAPI.clientStream, self.clientStream)
        router.register(ConformanceAPI.serverStream, self.serverStream)
        router.register(ConformanceAPI.bidiStream, self.bidiStream)
        router.register(ConformanceAPI.unimplemented) { _, context in
            throw ConnectError(.unimplemented, "\(context.procedure) is not implemented")
        }
    }

    // MARK: One response

    @Sendable private func unary(
        _ request: SuiteUnaryRequest, _ context: RPCContext
    ) async throws -> SuiteUnaryResponse {
        let order = request.hasResponseDefinition ? request.responseDefinition : nil
        let payload = try await self.payload(order, [request], context)
        return .with { $0.payload = payload }
    }

    @Sendable private func idempotentUnary(
        _ request: SuiteIdempotentUnaryRequest, _ context: RPCContext
    ) async throws -> SuiteIdempotentUnaryResponse {
        let order = request.hasResponseDefinition ? request.responseDefinition : nil
        let payload = try await self.payload(order, [request], context)
        return .with { $0.payload = payload }
    }

    @Sendable private func clientStream(
        _ requests: RequestStream<SuiteClientStreamRequest>, _ context: RPCContext
    ) async throws -> SuiteClientStreamResponse {
        var received: [SuiteClientStreamRequest] = []
        while let request = try await requests.next() { received.append(request) }
        let order = received.first.flatMap { $0.hasResponseDefinition ? $0.responseDefinition : nil }
        let payload = try await self.payload(order, received, context)
        return .with { $0.payload = payload }
    }

    /// What a call with one response answers.
    private func payload(
        _ order: SuiteUnaryResponseDefinition?, _ requests: [any Message], _ context: RPCContext
    ) async throws -> SuiteConformancePayload {
        let info = try RequestInfo(context, requests)
        guard let order else { return .with { $0.requestInfo = info } }
        context.response.headers = HTTPHeaders(order.responseHeaders)
        context.response.trailers = HTTPHeaders(order.responseTrailers)
        try await self.delay(order.responseDelayMs)
        switch order.response {
        case .error(let error):
            throw try ConnectError(error, info)
        case .responseData(let data):
            return .with {
                $0.data = data
                $0.requestInfo = info
            }
        case nil:
            return .with { $0.requestInfo = info }
        }
    }

    // MARK: Many responses

    @Sendable private func serverStream(
        _ request: SuiteServerStreamRequest, _ context: RPCContext,
        _ responses: ResponseWriter<SuiteServerStreamResponse>
    ) async throws {
        guard request.hasResponseDefinition else { return }
        var answer = try StreamAnswer(request.responseDefinition, context, [request])
        await responses.sendHeaders()
        while let payload = answer.next() {
            try await self.delay(answer.delayMilliseconds)
            try await responses.send(.with { $0.payload = payload })
        }
        try answer.finish()
    }

    @Sendable private func bidiStream(
        _ requests: RequestStream<SuiteBidiStreamRequest>, _ context: RPCContext,
        _ responses: ResponseWriter<SuiteBidiStreamResponse>
    ) async throws {
        guard let first = try await requests.next() else { return }
        var received = [first]
        if !first.fullDuplex {
            while let request = try await requests.next() { received.append(request) }
        }
        guard first.hasResponseDefinition else { return }
        var answer = try StreamAnswer(first.responseDefinition, context, received)
        if answer.hasNext { await responses.sendHeaders() }
        var alternates = first.fullDuplex
        while let payload = answer.next() {
            try await self.delay(answer.delayMilliseconds)
            try await responses.send(.with { $0.payload = payload })
            guard alternates else { continue }
            if let request = try await requests.next() {
                try answer.received(request)
            } else {
                alternates = false
            }
        }
        try answer.finish()
    }

    private func delay(_ milliseconds: UInt32) async throws {
        guard milliseconds > 0 else { return }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
}
