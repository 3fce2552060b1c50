import Glibc
import LinuxSystem
import SystemPackage
import Testing

@Suite(Requirement.root) struct ThreadIdentityTests {
    private static let user = Credentials(uid: 54321, gid: 54322, groups: [54322, 54323])

    /// Lines of a status, the calling thread's by default, by name; proc(5).
    private static func status(_ path: String = "/proc/thread-self/status") throws -> [String: String] {
        let file = try OwnedDescriptor.open(try RawPath(path), .readOnly)
        var text = [UInt8](repeating: 0, count: 8192)
        let count = try text.withUnsafeMutableBytes { buffer throws(Errno) in try file.read(into: buffer) }
        let lines = String(decoding: text[..<count], as: UTF8.self).split(separator: "\n")
        return Dictionary(
            uniqueKeysWithValues: lines.compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let fields = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
                return (String(line[..<colon]), fields.joined(separator: " "))
            })
    }

    private static let identityLines = ["Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh"]

    @Test func `with the user's powers nothing effective is the thread's own`() throws {
        let own = try Self.status()
        let status = try ThreadIdentity.acting(as: Self.user, powers: .user, failure: { $0 }) {
            () throws(any Error) in try Self.status()
        }
        #expect(status["Uid"] == "0 54321 0 54321")
        #expect(status["Gid"] == "0 54322 0 54322")
        #expect(status["Groups"] == "54322 54323")
        #expect(status["CapEff"].flatMap { UInt64($0, radix: 16) } == 0)
        #expect(status["CapPrm"] == own["CapPrm"])
    }

    @Test func `with its own powers the thread only makes files as the user`() throws {
        let own = try Self.status()
        let status = try ThreadIdentity.acting(as: Self.user, powers: .own, failure: { $0 }) {
            () throws(any Error) in try Self.status()
        }
        #expect(status["Uid"] == "0 0 0 54321")
        #expect(status["Gid"] == "0 0 0 54322")
        #expect(status["CapEff"] == own["CapEff"])
    }

    @Test(arguments: [ThreadIdentity.Powers.user, .own])
    func `afterwards the thread is itself, also after an error`(_ powers: ThreadIdentity.Powers) throws {
        let own = try Self.status()
        ThreadIdentity.acting(as: Self.user, powers: powers, failure: { fatalError("\($0)") }) {}
        #expect(throws: Errno.noSpace) {
            try ThreadIdentity.acting(as: Self.user, powers: powers, failure: { $0 }) { () throws(Errno) in
                throw .noSpace
            }
        }
        let after = try Self.status()
        for line in Self.identityLines { #expect(after[line] == own[line]) }
    }

    @Test func `no identity is taken that the kernel refuses, and the thread stays itself`() throws {
        let own = try Self.status()
        let tooMany = Credentials(uid: 1, gid: 1, groups: [UInt32](repeating: 1, count: 65537))
        #expect(throws: Errno.invalidArgument) {
            try ThreadIdentity.acting(as: tooMany, powers: .user, failure: { $0 }) { () throws(Errno) in }
        }
        // All ones mean "unchanged" to the kernel.
        for powers in [ThreadIdentity.Powers.user, .own] {
            for (uid, gid) in [(UInt32.max, 1), (1, UInt32.max)] {
                let nobody = Credentials(uid: uid, gid: gid, groups: [])
                #expect(throws: Errno.invalidArgument) {
                    try ThreadIdentity.acting(as: nobody, powers: powers, failure: { $0 }) {
                        () throws(Errno) in
                    }
                }
            }
        }
        let after = try Self.status()
        for line in Self.identityLines { #expect(after[line] == own[line]) }
    }

    @Test func `the other threads of the process stay who they are`() throws {
        try ThreadIdentity.acting(as: Self.user, powers: .user, failure: { $0 }) { () throws(any Error) in
            #expect(try Self.status("/proc/self/task/\(getpid())/status")["Uid"] == "0 0 0 0")
        }
    }

    @Test func `settings of the kernel that are root's are not the user's to write`() throws {
        let setting = "/proc/sys/kernel/core_pattern"
        #expect(throws: Errno.permissionDenied) {
            try ThreadIdentity.acting(as: Self.user, powers: .user, failure: { $0 }) { () throws(Errno) in
                _ = try OwnedDescriptor.open(try RawPath(setting), .writeOnly)
            }
        }
    }
}
