internal import Glibc
import LinuxSystem
import SystemPackage

/// The daemon's program in another role: git runs it when a server asks for a user or password.
///
/// git finds it as credential helper and as `GIT_ASKPASS`, a descriptor that it has inherited like the one that the
/// secret is behind; the environment has their numbers only. The question is the only argument, or for a helper on
/// standard input; the answer goes to standard output.
package enum CredentialPrompt {
    /// Says that this is the role, and which descriptor the secret is behind.
    private static let variable = "ENVD_ASKPASS"
    /// The first two descriptors that a child can inherit.
    private static let secretDescriptor: CInt = 3
    private static let programDescriptor: CInt = 4
    /// Bytes of a secret: two fields of ``GitCredentials``, and users in URLs.
    private static let secretLimit = 128 << 10

    /// Bytes of a question.
    private static let questionLimit = 64 << 10

    /// Settings with which git asks for both user and password at once, before it looks at a user in other settings.
    static let settings = ["credential.helper=", "credential.helper=/proc/self/fd/\(Self.programDescriptor)"]

    /// What git gets so that it asks.
    static var variables: [String: String] {
        [
            "GIT_ASKPASS": "/proc/self/fd/\(Self.programDescriptor)",
            Self.variable: String(Self.secretDescriptor),
        ]
    }

    /// Answers if the program was started for this.
    ///
    /// - Parameter arguments: those after the program's name.
    /// - Returns: the exit status: 1 if there is no answer; nil if the program was started for something else.
    package static func run(arguments: [String]) -> Int32? {
        guard let value = getenv(Self.variable), let descriptor = CInt(String(cString: value)) else {
            return nil
        }
        guard let prompt = arguments.first,
            let content = try? MemoryFile.content(ofInherited: descriptor, limit: Self.secretLimit),
            let secret = CredentialSecret(decoding: content)
        else { return 1 }
        let answer: String?
        switch prompt {
        case "get": answer = secret.answer(toHelper: Self.read())
        // What a helper would keep or forget.
        case "store", "erase": return 0
        default: answer = secret.answer(to: prompt)
        }
        guard let answer else { return 1 }
        return Self.write(Array((answer + "\n").utf8)) ? 0 : 1
    }

    /// What is on standard input.
    private static func read() -> String {
        var bytes = [UInt8](repeating: 0, count: Self.questionLimit)
        var count = 0
        while count < bytes.count {
            let more = bytes[count...].withUnsafeMutableBytes {
                Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count)
            }
            guard more > 0 else { break }
            count += more
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
