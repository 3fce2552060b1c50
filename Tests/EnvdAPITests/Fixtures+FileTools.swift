import EnvdAPI
import SwiftProtobuf

extension Fixtures {
    private static let selection = Envd_V1_Selection.with {
        $0.include = ["*.swift"]
        $0.exclude = ["build/**"]
        $0.noIgnore = true
        $0.maxDepth = 3
    }
    private static let moment = Google_Protobuf_Timestamp(seconds: 1_700_000_000, nanos: 7)
    private static let version = Envd_V1_FileVersion.with {
        $0.size = 9
        $0.modifiedTime = Self.moment
        $0.inode = 11
    }
    private static let span = Envd_V1_Span.with {
        $0.column = 2
        $0.length = 3
    }
    private static let searchLine = Envd_V1_SearchLine.with {
        $0.number = 4
        $0.text = "some text"
        $0.textOffset = 5
        $0.cut = true
        $0.matches = [Self.span]
    }
    private static let searchFile = Envd_V1_SearchFile.with {
        $0.path = "/a"
        $0.lines = [Self.searchLine]
    }
    private static let searchEnd = Envd_V1_SearchEnd.with {
        $0.matches = 1
        $0.matchingFiles = 2
        $0.files = 3
        $0.bytes = 4
        $0.binaryFiles = 5
        $0.largeFiles = 6
        $0.unreadable = 7
        $0.limit = .time
    }
    private static let foundEntry = Envd_V1_FoundEntry.with {
        $0.path = "/a/b"
        $0.kind = .symlink
        $0.size = 12
        $0.modifiedTime = Self.moment
    }
    private static let findEnd = Envd_V1_FindEnd.with {
        $0.matches = 1
        $0.files = 2
        $0.unreadable = 3
        $0.limit = .matches
    }
    private static let position = Envd_V1_LinePosition.with {
        $0.line = 2
        $0.offset = 3
    }
    private static let textLine = Envd_V1_TextLine.with {
        $0.number = 2
        $0.text = "line"
        $0.cutBytes = 5
    }
    private static let replacement = Envd_V1_Replacement.with {
        $0.oldText = "old"
        $0.newText = "new"
        $0.all = true
    }

    /// What `envd.v1.FileTools` has.
    static let fileTools: [any Message] = [
        selection, span, searchLine, searchFile, searchEnd, foundEntry, findEnd, version, position, textLine,
        replacement,
        Envd_V1_SearchRequest.with {
            $0.path = "src"
            $0.query = .literal("text")
            $0.ignoreCase = true
            $0.selection = Self.selection
            $0.contextBefore = 1
            $0.contextAfter = 2
            $0.maxMatches = 3
            $0.maxMatchesPerFile = 4
            $0.maxFiles = 5
            $0.maxFileBytes = 6
            $0.maxBytes = 7
            $0.maxMilliseconds = 8
            $0.maxLineBytes = 9
        },
        Envd_V1_SearchRequest.with { $0.query = .regex("a+") },
        Envd_V1_SearchResponse.with {
            $0.files = [Self.searchFile]
            $0.end = Self.searchEnd
        },
        Envd_V1_FindRequest.with {
            $0.path = "src"
            $0.selection = Self.selection
            $0.kinds = [.file, .other]
            $0.minSize = 0
            $0.maxSize = 1 << 40
            $0.modifiedAfter = Self.moment
            $0.modifiedBefore = Self.moment
            $0.maxMatches = 1
            $0.maxFiles = 2
            $0.maxMilliseconds = 3
        },
        Envd_V1_FindResponse.with {
            $0.entries = [Self.foundEntry]
            $0.end = Self.findEnd
        },
        Envd_V1_ReadLinesRequest.with {
            $0.path = "a"
            $0.from = 1
            $0.to = 2
            $0.maxBytes = 3
            $0.maxLineBytes = 4
            $0.start = Self.position
            $0.countLines = true
        },
        Envd_V1_ReadLinesResponse.with {
            $0.lines = [Self.textLine]
            $0.next = Self.position
            $0.totalLines = 0
            $0.lacksFinalNewline = true
            $0.version = Self.version
        },
        Envd_V1_EditRequest.with {
            $0.path = "a"
            $0.replacements = [Self.replacement]
            $0.expectedVersion = Self.version
            $0.expectedSha256 = "00ff"
        },
        Envd_V1_EditResponse.with {
            $0.counts = [1, 300]
            $0.version = Self.version
            $0.sha256 = "00ff"
        },
    ]
}
