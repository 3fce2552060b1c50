import EnvdAPI
import FoundationEssentials
import SwiftProtobuf

extension Fixtures {
    /// What several messages of `envd.v1.Git` have in them.
    static let gitValues: [any Message] = [
        Self.gitPath,
        Self.gitPolicy,
        Self.gitProgress,
        Self.gitFileStatusSubmodule,
        Self.gitFileStatusStage,
        Self.gitFileStatus,
        Self.gitCloneResponseResult,
        Self.gitBranch,
        Self.gitPushResponseReference,
        Self.gitPushResponseResult,
        Self.gitPullResponseResult,
        Self.gitFetchResponseUpdate,
        Self.gitFetchResponseResult,
        Self.gitSignature,
        Self.gitCommit,
        Self.gitFileDiff,
        Self.gitHunk,
        Self.gitLine,
        Self.gitStashListResponseEntry,
        Self.gitTag,
    ]

    static let gitPath = Envd_V1_GitPath.with {
        $0.path = "path ä\n"
        $0.pathBytes = Data([0x61, 0xFF, 0x0A])
    }

    static let gitPolicy = Envd_V1_GitPolicy.with {
        $0.transports = ["-transports", "-transports"]
        $0.noHooks = true
    }

    static let gitProgress = Envd_V1_GitProgress.with {
        $0.phase = "phase ä\n"
        $0.remote = true
        $0.percent = 107
        $0.objects = 8 << 32
        $0.totalObjects = 9 << 32
        $0.bytes = 10 << 32
        $0.bytesPerSecond = 11 << 32
        $0.done = true
    }

    static let gitFileStatusSubmodule = Envd_V1_GitFileStatus.Submodule.with {
        $0.commitChanged = true
        $0.modified = true
        $0.untracked = true
    }

    static let gitFileStatusStage = Envd_V1_GitFileStatus.Stage.with {
        $0.stage = 116
        $0.mode = 117
        $0.object = "-object"
    }

    static let gitFileStatus = Envd_V1_GitFileStatus.with {
        $0.name = "name ä\n"
        $0.nameBytes = Data([0x61, 0xFF, 0x0A])
        $0.status = .ignored
        $0.indexStatus = "index status ä\n"
        $0.workingTreeStatus = "working tree status ä\n"
        $0.staged = true
        $0.renamedFrom = "renamed from ä\n"
        $0.renamedFromBytes = Data([0x61, 0xFF, 0x0A])
        $0.similarity = 127
        $0.submodule = Self.gitFileStatusSubmodule
        $0.stages = [Self.gitFileStatusStage, Self.gitFileStatusStage]
    }

    static let gitCloneResponseResult = Envd_V1_GitCloneResponse.Result.with {
        $0.path = "-path"
        $0.branch = "branch ä\n"
        $0.commit = "commit ä\n"
    }

    static let gitBranch = Envd_V1_GitBranch.with {
        $0.name = "-name"
        $0.commit = "commit ä\n"
        $0.current = true
        $0.remote = true
        $0.upstream = "upstream ä\n"
        $0.ahead = 138
        $0.behind = 139
        $0.upstreamGone = true
        $0.subject = "subject ä\n"
    }

    static let gitPushResponseReference = Envd_V1_GitPushResponse.Reference.with {
        $0.from = "-from"
        $0.to = "to ä\n"
        $0.update = .rejected
        $0.summary = "-summary"
    }

    static let gitPushResponseResult = Envd_V1_GitPushResponse.Result.with {
        $0.remote = "remote ä\n"
        $0.references = [Self.gitPushResponseReference, Self.gitPushResponseReference]
    }

    static let gitPullResponseResult = Envd_V1_GitPullResponse.Result.with {
        $0.commitBefore = "-commit_before"
        $0.commit = "commit ä\n"
    }

    static let gitFetchResponseUpdate = Envd_V1_GitFetchResponse.Update.with {
        $0.name = "name ä\n"
        $0.commitBefore = "-commit_before"
        $0.commit = "commit ä\n"
    }

    static let gitFetchResponseResult = Envd_V1_GitFetchResponse.Result.with {
        $0.updates = [Self.gitFetchResponseUpdate, Self.gitFetchResponseUpdate]
    }

    static let gitSignature = Envd_V1_GitSignature.with {
        $0.name = "-name"
        $0.email = "email ä\n"
        $0.seconds = 1_700_000_056
    }

    static let gitCommit = Envd_V1_GitCommit.with {
        $0.commit = "-commit"
        $0.tree = "tree ä\n"
        $0.parents = ["parents ä\n", "parents ä\n"]
        $0.author = Self.gitSignature
        $0.committer = Self.gitSignature
        $0.references = ["references ä\n", "references ä\n"]
        $0.subject = "-subject"
        $0.message = "message ä\n"
    }

    static let gitFileDiff = Envd_V1_GitFileDiff.with {
        $0.path = Self.gitPath
        $0.oldPath = Self.gitPath
        $0.change = .unmerged
        $0.similarity = 168
        $0.oldMode = 169
        $0.newMode = 170
        $0.oldObject = "old object ä\n"
        $0.newObject = "-new_object"
        $0.additions = 173
        $0.deletions = 174
        $0.binary = true
        $0.hunks = [Self.gitHunk, Self.gitHunk]
    }

    static let gitHunk = Envd_V1_GitHunk.with {
        $0.oldStart = 177
        $0.oldLines = 178
        $0.newStart = 179
        $0.newLines = 180
        $0.section = "-section"
        $0.lines = [Self.gitLine, Self.gitLine]
    }

    static let gitLine = Envd_V1_GitLine.with {
        $0.kind = .deleted
        $0.text = "-text"
        $0.textBytes = Data([0x61, 0xFF, 0x0A])
        $0.noNewline = true
    }

    static let gitStashListResponseEntry = Envd_V1_GitStashListResponse.Entry.with {
        $0.index = 187
        $0.commit = "commit ä\n"
        $0.message = "message ä\n"
        $0.seconds = 1_700_000_090
    }

    static let gitTag = Envd_V1_GitTag.with {
        $0.name = "name ä\n"
        $0.commit = "commit ä\n"
        $0.annotated = true
        $0.subject = "subject ä\n"
        $0.tagger = Self.gitSignature
    }
}
