package import Connect

/// The procedures of `envd.v1.FileTools`, as `proto/envd/v1/file_tools.proto` has them.
package enum FileToolsAPI {
    private static let service = "envd.v1.FileTools"

    package static let search = ServerStreamProcedure<Envd_V1_SearchRequest, Envd_V1_SearchResponse>(
        service, "Search")
    package static let find = ServerStreamProcedure<Envd_V1_FindRequest, Envd_V1_FindResponse>(
        service, "Find")
    package static let readLines = UnaryProcedure<Envd_V1_ReadLinesRequest, Envd_V1_ReadLinesResponse>(
        service, "ReadLines", hasNoSideEffects: true)
    package static let edit = UnaryProcedure<Envd_V1_EditRequest, Envd_V1_EditResponse>(service, "Edit")
}
