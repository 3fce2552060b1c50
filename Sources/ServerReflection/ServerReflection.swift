package import Connect
import SwiftProtobuf

/// gRPC's server reflection, in both of its versions: what tools such as grpcurl ask for services and types.
///
/// - SeeAlso: proto/grpc/reflection/v1/reflection.proto.
package struct ServerReflection: Sendable {
    private typealias Information = BidirectionalProcedure<
        Grpc_Reflection_V1_ServerReflectionRequest, Grpc_Reflection_V1_ServerReflectionResponse
    >

    /// Their messages differ in nothing that is sent.
    private static let services = [
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    ]

    private let descriptors: DescriptorTable
    private let services: [String]

    /// Reflection of what `router` serves, whose descriptors are in `sets`, each a serialized
    /// `google.protobuf.FileDescriptorSet` in Base64.
    ///
    /// - Throws: what SwiftProtobuf throws if a set is malformed.
    package init(of router: ConnectRouter, descriptors sets: [String]) throws {
        self.descriptors = try DescriptorTable(sets: [ServerReflectionDescriptors.base64] + sets)
        let served = router.paths.compactMap { $0.split(separator: "/").first.map(String.init) }
        self.services = Set(served + Self.services).sorted()
    }

    package func register(in router: inout ConnectRouter) {
        for service in Self.services {
            router.register(Information(service, "ServerReflectionInfo")) { requests, _, responses in
                while let request = try await requests.next() {
                    try await responses.send(self.answer(request))
                }
            }
        }
    }

    private func answer(
        _ request: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        .with {
            $0.validHost = request.host
            $0.originalRequest = request
            $0.messageResponse = self.answer(request.messageRequest)
        }
    }

    private func answer(
        _ question: Grpc_Reflection_V1_ServerReflectionRequest.OneOf_MessageRequest?
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        switch question {
        case .listServices:
            .listServicesResponse(
                .with { $0.service = self.services.map { name in .with { $0.name = name } } })
        case .fileByFilename(let name):
            self.files(from: name, "file '\(name)'")
        case .fileContainingSymbol(let symbol):
            self.files(from: self.descriptors.file(declaring: symbol), "symbol '\(symbol)'")
        case .fileContainingExtension(let asked):
            self.files(
                from: self.descriptors.file(extending: asked.containingType, with: asked.extensionNumber),
                "extension \(asked.extensionNumber) of '\(asked.containingType)'")
        case .allExtensionNumbersOfType(let type):
            if let numbers = self.descriptors.extensionNumbers(of: type) {
                .allExtensionNumbersResponse(
                    .with {
                        $0.baseTypeName = type
                        $0.extensionNumber = numbers
                    })
            } else {
                Self.error(.notFound, "type '\(type)' is not known")
            }
        case nil:
            Self.error(.invalidArgument, "the request asks for nothing that this server knows of")
        }
    }

    private func files(
        from name: String?, _ asked: String
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        guard let name, let files = self.descriptors.filesWithImports(from: name) else {
            return Self.error(.notFound, "\(asked) is not known")
        }
        return .fileDescriptorResponse(.with { $0.fileDescriptorProto = files })
    }

    private static func error(
        _ code: ConnectError.Code, _ message: String
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        .errorResponse(
            .with {
                $0.errorCode = Int32(code.rawValue)
                $0.errorMessage = message
            })
    }
}
