internal import Glibc
import HTTPTransport
package import LinuxIO
import LinuxSystem
package import NIOCore
import SystemPackage

/// The certificates that programs in the sandbox trust, and the ones among them that the host gave.
package final class AuthorityBundle: Sendable {
    /// Where certificates are kept.
    package struct Paths: Sendable {
        /// All that are trusted, one after the other. It must exist.
        package var bundle: String
        /// The host's alone, for tools that build the bundle anew.
        package var source: String

        package init(
            bundle: String = "/etc/ssl/certs/ca-certificates.crt",
            source: String = "/usr/local/share/ca-certificates/e2b-ca.crt"
        ) {
            self.bundle = bundle
            self.source = source
        }
    }

    /// Why a certificate was not installed.
    enum Failure: Error {
        /// The task was cancelled while another installation was under way.
        case cancelled
        /// What was tried, and what the kernel said.
        case refused(String)
    }

    private struct State {
        /// The certificates that were installed last.
        var installed: String?
        /// Those before, in the order in which they were added, as long as they are in the bundle.
        var replaced: [String] = []
    }

    private let paths: Paths
    private let pool: BlockingPool
    private let executor: EventLoopTaskExecutor
    private let warn: @Sendable (String) -> Void
    private let lock = FairLock()
    private let state: NIOLoopBoundBox<State>

    /// - Parameter warn: takes a line for the log when something fails after the answer.
    package init(
        _ paths: Paths = Paths(), pool: BlockingPool, on eventLoop: any EventLoop,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.paths = paths
        self.pool = pool
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.warn = warn
        self.state = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Adds `certificates`, in PEM, to the bundle. Those that were added before are taken out afterwards.
    func install(_ certificates: String) async throws(Failure) {
        let end = certificates.utf8.lastIndex { $0 != UInt8(ascii: "\n") }
        guard let end else { return }
        let text = certificates[...end] + "\n"
        let result = await self.lock.runUnlessCancelled { await self.append(String(text)) }
        guard let result else { throw .cancelled }
        try result.get()
    }

    private func append(_ text: String) async -> Result<Void, Failure> {
        if self.state.value.installed == text { return .success(()) }
        let path = self.paths.bundle
        let result: Result<Void, Failure> = await self.pool.run {
            do throws(Errno) {
                let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_APPEND)
                do throws(Errno) {
                    try file.writeAll(Array(text.utf8))
                } catch {
                    return .failure(
                        .refused("append CA cert: write \(path): \(error.lowercasedDescription)"))
                }
                return .success(())
            } catch {
                return .failure(.refused("open CA bundle: open \(path): \(error.lowercasedDescription)"))
            }
        }
        guard case .success = result else { return result }
        if let replaced = self.state.value.installed { self.state.value.replaced.append(replaced) }
        self.state.value.installed = text
        _ = self.executor.startTask { await self.tidy(text) }
        return result
    }

    /// Writes the certificates to a file of their own, and takes earlier ones out of the bundle.
    private func tidy(_ text: String) async {
        await self.lock.run {
            // Whoever installed others meanwhile will do it.
            guard self.state.value.installed == text else { return }
            let paths = self.paths
            let replaced = self.state.value.replaced
            do throws(Errno) {
                try await self.pool.run { () throws(Errno) in
                    try Self.write(text, to: paths.source)
                    if !replaced.isEmpty { try Self.remove(replaced, from: paths.bundle, keeping: text) }
                }
                self.state.value.replaced = []
            } catch {
                self.warn("cannot tidy up the CA bundle: \(error.lowercasedDescription)")
            }
        }
    }

    private static func write(_ text: String, to path: String) throws(Errno) {
        var directory = FilePath(path)
        directory.removeLastComponent()
        var made = FilePath(root: directory.root)
        for component in directory.components {
            made.append(component)
            if mkdir(made.string, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        }
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.writeAll(Array(text.utf8))
        try file.close()
    }

    /// Writes the bundle without `certificates` beside it, and puts it in its place.
    ///
    /// All were added in this order, and `kept` after them. Any may be a part of any other, as when one certificate
    /// is replaced while another stays: each is taken out where it was added, from the end on.
    private static func remove(
        _ certificates: [String], from bundle: String, keeping kept: String
    ) throws(Errno) {
        // The bundle may be a link to where it really is.
        guard let resolved = realpath(bundle, nil) else { throw Errno(rawValue: errno) }
        defer { free(resolved) }
        let path = String(cString: resolved)
        var bytes = try KernelText.bytes(of: path)
        for certificate in [kept] + certificates.reversed() { bytes.removeLast(Array(certificate.utf8)) }
        bytes += Array(kept.utf8)
        var directory = FilePath(path)
        directory.removeLastComponent()
        let temporary = directory.appending("ca-bundle-\(UInt64.random(in: .min ... .max))").string
        let file = try OwnedDescriptor.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        do throws(Errno) {
            try file.writeAll(bytes)
            // The mode, whatever the umask is.
            guard fchmod(file.rawValue, 0o644) == 0, rename(temporary, path) == 0 else {
                throw Errno(rawValue: errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }
}

extension [UInt8] {
    /// Removes the last occurrence of `part`.
    fileprivate mutating func removeLast(_ part: [UInt8]) {
        guard let first = part.first, part.count <= self.count else { return }
        let starts = (0...self.count - part.count).reversed()
        guard let start = starts.first(where: { self[$0] == first && self[$0...].starts(with: part) })
        else { return }
        self.removeSubrange(start..<start + part.count)
    }
}
